// Creates the metrics of one process: named recorders, and one page that Prometheus reads.

import { collectDefaultMetrics, Registry } from 'prom-client';
import type { RecoveryState } from '../db/jobs/index.ts';
import type { CallObserver } from '../grpc/index.ts';
import type { BatchObserver } from '../ledger/index.ts';
import type { LineCounts } from './line-buffer.ts';
import { type AuditRecorder, auditMetrics } from './metrics/audit.ts';
import { type AuthenticationRecorder, authenticationMetrics } from './metrics/authentication.ts';
import { type CacheRecorder, cacheMetrics } from './metrics/cache.ts';
import { type CountedCalls, callMetrics } from './metrics/calls.ts';
import { type FeedRecorder, feedMetrics } from './metrics/feed.ts';
import { type JobRecorder, jobMetrics } from './metrics/jobs.ts';
import { type KafkaRecorder, kafkaMetrics } from './metrics/kafka.ts';
import { ledgerMetrics } from './metrics/ledger.ts';
import { type LimiterRecorder, limiterMetrics } from './metrics/limiter.ts';
import { logMetrics } from './metrics/logs.ts';
import { type PayoutState, payoutMetrics } from './metrics/payouts.ts';
import { recoveryMetrics } from './metrics/recovery.ts';
import { type StateRecorder, stateMetrics } from './metrics/states.ts';
import { traceMetrics } from './metrics/traces.ts';
import { type UpkeepState, upkeepMetrics } from './metrics/upkeep.ts';
import { type WebhookRecorder, type WebhookStates, webhookMetrics } from './metrics/webhooks.ts';
import type { SpanCounts } from './tracing.ts';

/**
 * Recorders, by what they record. Each folder declares the interface that it calls, and knows nothing of Prometheus. No
 * label ever holds what callers choose: users, keys, rooms, tokens, addresses, unknown paths.
 */
export interface Metrics {
  /** The answers to calls: rate, errors, duration, and how many are under way. */
  readonly calls: CallObserver;
  /** The audit trail. */
  readonly audit: AuditRecorder;
  /** What is read of the feed. */
  readonly feed: FeedRecorder;
  /** The ledger's queue and batches. */
  readonly ledger: BatchObserver;
  /** The cache in Redis. */
  readonly cache: CacheRecorder;
  /** Creates the metrics of authentication, which a worker has none of; `causes` are all that calls fail by. */
  authentication<Cause extends string>(causes: readonly Cause[]): AuthenticationRecorder<Cause>;
  /** Creates the metrics of a worker's jobs; a server has none. */
  jobs(): JobRecorder;
  /** Creates the metrics of running payouts, of a worker too. */
  payouts(read: () => Promise<PayoutState>): void;
  /** Creates the metrics of what a worker keeps going. */
  upkeep(readState: () => Promise<UpkeepState>): void;
  recovery(readState: () => Promise<RecoveryState>): void;
  /** Creates the metrics of webhooks, of a worker that sends to them. */
  webhooks(readStates: () => Promise<WebhookStates>): WebhookRecorder;
  /** Creates the metrics of Kafka, of a worker that sends there. */
  kafka(readLag: () => Promise<number>): KafkaRecorder;
  /** Creates the metrics of the logs; `read` returns what became of the lines of each. */
  logs(read: () => Readonly<Record<string, LineCounts>>): void;
  /** What the limiter decides. */
  readonly limiter: LimiterRecorder;
  /** What is collected when the page is read: pools, breakers, connections, the queue. */
  readonly states: StateRecorder;
  /** The page, in the text format of Prometheus, and its media type. */
  page(): Promise<{ readonly body: string; readonly mediaType: string }>;
}

const NO_SPANS: SpanCounts = { exported: 0, queueFull: 0, exportFailed: 0 };

/**
 * Creates metrics; calls of paths that are not named are counted together.
 * @param spans What became of the spans; left out where none are exported.
 */
export function createMetrics(calls: CountedCalls, spans: () => SpanCounts = () => NO_SPANS): Metrics {
  const registry = new Registry();
  traceMetrics(registry, spans);
  // Process and event loop: CPU, memory, garbage collection, and how late the loop is.
  collectDefaultMetrics({ register: registry });
  return {
    calls: callMetrics(registry, calls),
    audit: auditMetrics(registry),
    authentication: (causes) => authenticationMetrics(registry, causes),
    feed: feedMetrics(registry),
    ledger: ledgerMetrics(registry),
    cache: cacheMetrics(registry),
    jobs: () => jobMetrics(registry),
    payouts: (read) => payoutMetrics(registry, read),
    upkeep: (readState) => upkeepMetrics(registry, readState),
    recovery: (readState) => recoveryMetrics(registry, readState),
    webhooks: (readStates) => webhookMetrics(registry, readStates),
    kafka: (readLag) => kafkaMetrics(registry, readLag),
    logs: (read) => logMetrics(registry, read),
    limiter: limiterMetrics(registry),
    states: stateMetrics(registry),
    page: async () => ({ body: await registry.metrics(), mediaType: registry.contentType }),
  };
}
