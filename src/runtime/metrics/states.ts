// Metrics that are collected when the page is read: pools, breakers, connections, queues, and what the process needs.

import { Gauge, type Registry } from 'prom-client';
import { MICROS_PER_MS } from '../../domain/time.ts';
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
  postgres(state: PostgresState): void;
  /** When the first of the API keys in use expires that nothing replaces yet, in microseconds since 1970; undefined if none does. */
  apiKeyExpiry(read: () => number | undefined): void;
  /** When a certificate of this process expires, in milliseconds since 1970. */
  certificate(name: 'server' | 'client_ca', expiresAt: number): void;
}

/** What the process knows of Postgres. */
export interface PostgresState {
  readonly isReadOnly: () => boolean;
  /** How far the clock of this machine is ahead; undefined before the first answer. */
  readonly clockSkewSeconds: () => number | undefined;
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
    ...expiries(registry),
    postgres: (state) => openPostgres(registry, state),
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

function openPostgres(registry: Registry, { isReadOnly, clockSkewSeconds }: PostgresState): void {
  const readOnly = collected(registry, {
    name: 'ppuri_postgres_read_only',
    help: '1 while Postgres answers and takes no writes.',
    labelNames: [],
  });
  readOnly.push((gauge) => gauge.set(isReadOnly() ? 1 : 0));
  const skew = collected(registry, {
    name: 'ppuri_clock_skew_seconds',
    help: 'How far the clock of this machine is ahead of that of Postgres; below 0 where it is behind.',
    labelNames: [],
  });
  skew.push((gauge) => {
    const seconds = clockSkewSeconds();
    if (seconds === undefined) gauge.remove();
    else gauge.set(seconds);
  });
}

/** What ends at a time that is known before. */
function expiries(registry: Registry): Pick<StateRecorder, 'apiKeyExpiry' | 'certificate'> {
  const keys = collected(registry, {
    name: 'ppuri_api_key_expiry_seconds',
    help: 'How long until the first of the API keys in use expires that nothing replaces yet.',
    labelNames: [],
  });
  const certificates = collected(registry, {
    name: 'ppuri_certificate_expiry_seconds',
    help: 'How long until a certificate of this process expires.',
    labelNames: ['certificate'],
  });
  const secondsUntil = (atMs: number) => (atMs - Date.now()) / 1000;
  return {
    apiKeyExpiry: (read) =>
      keys.push((gauge) => {
        const at = read();
        gauge.set(at === undefined ? Number.POSITIVE_INFINITY : secondsUntil(at / MICROS_PER_MS));
      }),
    certificate: (name, expiresAt) =>
      certificates.push((gauge) => gauge.set({ certificate: name }, secondsUntil(expiresAt))),
  };
}

type Collect = (gauge: Gauge) => void;

/**
 * A gauge that is collected whenever the page is read, by every function that was pushed. Before the first there is none: a
 * process that has no cache must not say that its cache is not trusted.
 */
function collected(
  registry: Registry,
  about: { readonly name: string; readonly help: string; readonly labelNames: string[] },
): { push(collect: Collect): void } {
  const collectors: Collect[] = [];
  const open = () =>
    new Gauge({
      ...about,
      registers: [registry],
      collect() {
        for (const collect of collectors) collect(this);
      },
    });
  return {
    push(collect) {
      if (collectors.length === 0) open();
      collectors.push(collect);
    },
  };
}
