// Creates the metrics of one process: named recorders, and one page that Prometheus reads.

import { collectDefaultMetrics, Registry } from 'prom-client';
import type { CallObserver } from '../grpc/index.ts';
import type { BatchObserver } from '../ledger/index.ts';
import { type AuditRecorder, auditMetrics } from './metrics/audit.ts';
import { type CacheRecorder, cacheMetrics } from './metrics/cache.ts';
import { callMetrics } from './metrics/calls.ts';
import { type JobRecorder, jobMetrics } from './metrics/jobs.ts';
import { ledgerMetrics } from './metrics/ledger.ts';
import { type LimiterRecorder, limiterMetrics } from './metrics/limiter.ts';
import { type PayoutState, payoutMetrics } from './metrics/payouts.ts';
import { type StateRecorder, stateMetrics } from './metrics/states.ts';
import { type UpkeepState, upkeepMetrics } from './metrics/upkeep.ts';

/**
 * Recorders, by what they record. Each folder declares the interface that it calls, and knows nothing of Prometheus. No
 * label ever holds what callers choose: users, keys, rooms, tokens, addresses, unknown paths.
 */
export interface Metrics {
  /** The answers to calls: rate, errors, duration, and how many are under way. */
  readonly calls: CallObserver;
  /** The audit trail. */
  readonly audit: AuditRecorder;
  /** The ledger's queue and batches. */
  readonly ledger: BatchObserver;
  /** The cache in Redis. */
  readonly cache: CacheRecorder;
  /** Creates the metrics of a worker's jobs; a server has none. */
  jobs(): JobRecorder;
  /** Creates the metrics of running payouts, of a worker too. */
  payouts(read: () => Promise<PayoutState>): void;
  /** Creates the metrics of what a worker keeps going. */
  upkeep(readState: () => Promise<UpkeepState>): void;
  /** What the limiter decides. */
  readonly limiter: LimiterRecorder;
  /** What is collected when the page is read: pools, breakers, connections, the queue. */
  readonly states: StateRecorder;
  /** The page, in the text format of Prometheus, and its media type. */
  page(): Promise<{ readonly body: string; readonly mediaType: string }>;
}

/** Creates metrics for calls of these paths, each `/package.Service/Method`; calls of any other are counted together. */
export function createMetrics(paths: Iterable<string>): Metrics {
  const registry = new Registry();
  // Process and event loop: CPU, memory, garbage collection, and how late the loop is.
  collectDefaultMetrics({ register: registry });
  return {
    calls: callMetrics(registry, paths),
    audit: auditMetrics(registry),
    ledger: ledgerMetrics(registry),
    cache: cacheMetrics(registry),
    jobs: () => jobMetrics(registry),
    payouts: (read) => payoutMetrics(registry, read),
    upkeep: (readState) => upkeepMetrics(registry, readState),
    limiter: limiterMetrics(registry),
    states: stateMetrics(registry),
    page: async () => ({ body: await registry.metrics(), mediaType: registry.contentType }),
  };
}
