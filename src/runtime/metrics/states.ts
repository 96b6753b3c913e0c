// Metrics that are looked at when the page is read: pools, breakers, connections, queues, and what the process needs.
import { Gauge, type Registry } from 'prom-client';

/** How a pool of connections stands. */
export interface PoolState {
  readonly total: number;
  readonly idle: number;
  /** Who waits for a connection. */
  readonly waiting: number;
}

/** The states of a breaker. */
export const BREAKER_STATES = ['closed', 'half-open', 'open'] as const;
export type BreakerState = (typeof BREAKER_STATES)[number];

/** Takes what to look at; each name is one of ours, never a caller's. */
export interface StateRecorder {
  pool(name: string, look: () => PoolState): void;
  breaker(name: string, look: () => BreakerState): void;
  /** A connection to Redis: whether commands can be sent over it. */
  redis(name: string, look: () => boolean): void;
  /** Whether the process believes copies in Redis. */
  copies(look: () => boolean): void;
  /** Calls that wait for a batch, or for rows that others have locked. */
  ledgerQueue(look: () => number): void;
  /** Whether a dependency that the process cannot do without answers. */
  dependency(name: string, look: () => boolean): void;
}

/** Makes the recorder of states. */
export function stateMetrics(registry: Registry): StateRecorder {
  const pools = looked(registry, {
    name: 'ppuri_pool_connections',
    help: 'Connections to Postgres, by pool: total, idle; waiting is calls without one.',
    labelNames: ['pool', 'state'],
  });
  const breakers = looked(registry, {
    name: 'ppuri_breaker_state',
    help: '1 for the state that a breaker is in, 0 for the others.',
    labelNames: ['breaker', 'state'],
  });
  const redis = looked(registry, {
    name: 'ppuri_redis_connected',
    help: '1 while commands can be sent over the connection.',
    labelNames: ['connection'],
  });
  const queue = looked(registry, {
    name: 'ppuri_ledger_queue_length',
    help: 'Calls that wait for a batch, or for rows that others have locked.',
    labelNames: [],
  });
  const copies = looked(registry, {
    name: 'ppuri_copies_believed',
    help: '1 while the process believes copies in Redis, 0 while it reads everything from Postgres.',
    labelNames: [],
  });
  const dependencies = looked(registry, {
    name: 'ppuri_dependency_available',
    help: '1 while a dependency that the process cannot do without answers.',
    labelNames: ['dependency'],
  });
  return {
    pool: (name, look) =>
      pools.push((gauge) => {
        for (const [state, count] of Object.entries(look())) gauge.set({ pool: name, state }, count);
      }),
    breaker: (name, look) =>
      breakers.push((gauge) => {
        const now = look();
        for (const state of BREAKER_STATES) gauge.set({ breaker: name, state }, state === now ? 1 : 0);
      }),
    redis: (name, look) => redis.push((gauge) => gauge.set({ connection: name }, look() ? 1 : 0)),
    copies: (look) => copies.push((gauge) => gauge.set(look() ? 1 : 0)),
    ledgerQueue: (look) => queue.push((gauge) => gauge.set(look())),
    dependency: (name, look) => dependencies.push((gauge) => gauge.set({ dependency: name }, look() ? 1 : 0)),
  };
}

type Look = (gauge: Gauge) => void;

/** A gauge that is set by looking, whenever the page is read; what is pushed is looked at from then on. */
function looked(
  registry: Registry,
  about: { readonly name: string; readonly help: string; readonly labelNames: string[] },
): Look[] {
  const looks: Look[] = [];
  new Gauge({
    ...about,
    registers: [registry],
    collect() {
      for (const look of looks) look(this);
    },
  });
  return looks;
}
