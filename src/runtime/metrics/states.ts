// Metrics that are collected when the page is read: pools, breakers, connections, queues, and what the process needs.

import { Gauge, type Registry } from 'prom-client';
import { BREAKER_STATES, type BreakerStatus } from '../../resilience/index.ts';

/** How a pool of connections stands. */
export interface PoolState {
  readonly total: number;
  readonly idle: number;
  /** Who waits for a connection. */
  readonly waiting: number;
}

/** Takes what to collect; each name is one of ours, never a caller's. */
export interface StateRecorder {
  pool(name: string, read: () => PoolState): void;
  breaker(name: string, status: BreakerStatus): void;
  /** A connection to Redis: whether commands can be sent over it. */
  redis(name: string, read: () => boolean): void;
  /** Whether the process trusts cache entries. */
  cache(read: () => boolean): void;
  /** Calls that wait for a batch, or for rows that others have locked. */
  ledgerQueue(read: () => number): void;
  /** Whether a dependency that the process cannot do without answers. */
  dependency(name: string, read: () => boolean): void;
}

/** Makes the recorder of states. */
export function stateMetrics(registry: Registry): StateRecorder {
  const pools = collected(registry, {
    name: 'ppuri_pool_connections',
    help: 'Connections to Postgres, by pool: total, idle; waiting is calls without one.',
    labelNames: ['pool', 'state'],
  });
  const breakers = collected(registry, {
    name: 'ppuri_breaker_state',
    help: '1 for the state that a breaker is in, 0 for the others.',
    labelNames: ['breaker', 'state'],
  });
  const breakerCalls = collected(registry, {
    name: 'ppuri_breaker_calls',
    help: 'Calls through a breaker in the last second: all, failed (timeouts included), rejected (it was open), full (too many under way).',
    labelNames: ['breaker', 'result'],
  });
  const redis = collected(registry, {
    name: 'ppuri_redis_connected',
    help: '1 while commands can be sent over the connection.',
    labelNames: ['connection'],
  });
  const queue = collected(registry, {
    name: 'ppuri_ledger_queue_length',
    help: 'Calls that wait for a batch, or for rows that others have locked.',
    labelNames: [],
  });
  const cache = collected(registry, {
    name: 'ppuri_cache_trusted',
    help: '1 while the process trusts cache entries, 0 while it reads everything from Postgres.',
    labelNames: [],
  });
  const dependencies = collected(registry, {
    name: 'ppuri_dependency_available',
    help: '1 while a dependency that the process cannot do without answers.',
    labelNames: ['dependency'],
  });
  return {
    pool: (name, read) =>
      pools.push((gauge) => {
        for (const [state, count] of Object.entries(read())) gauge.set({ pool: name, state }, count);
      }),
    breaker: (name, { state, stats }) => {
      breakers.push((gauge) => {
        const now = state();
        for (const one of BREAKER_STATES) gauge.set({ breaker: name, state: one }, one === now ? 1 : 0);
      });
      breakerCalls.push((gauge) => {
        const { fires, failures, rejects, semaphoreRejections } = stats();
        const counts = { all: fires, failed: failures, rejected: rejects, full: semaphoreRejections };
        for (const [result, count] of Object.entries(counts)) gauge.set({ breaker: name, result }, count);
      });
    },
    redis: (name, read) => redis.push((gauge) => gauge.set({ connection: name }, read() ? 1 : 0)),
    cache: (read) => cache.push((gauge) => gauge.set(read() ? 1 : 0)),
    ledgerQueue: (read) => queue.push((gauge) => gauge.set(read())),
    dependency: (name, read) => dependencies.push((gauge) => gauge.set({ dependency: name }, read() ? 1 : 0)),
  };
}

type Collect = (gauge: Gauge) => void;

/** A gauge that is collected whenever the page is read, by every function that was pushed. */
function collected(
  registry: Registry,
  about: { readonly name: string; readonly help: string; readonly labelNames: string[] },
): Collect[] {
  const collectors: Collect[] = [];
  new Gauge({
    ...about,
    registers: [registry],
    collect() {
      for (const collect of collectors) collect(this);
    },
  });
  return collectors;
}
