// Creates the reader of the replica, with what it logs.
import { type Pool, READ_SETTINGS, type ReadFromReplica } from '../db/pool.ts';
import { createReplicaReader } from '../db/replica/index.ts';
import { errorText } from '../domain/error-fields.ts';
import type { BreakerStatus } from '../resilience/index.ts';
import type { Resources } from './resources.ts';

/** Reads that may be under way for each of the replica's connections: a short rush waits, a long one goes to the primary. */
const READS_A_CONNECTION = 8;

/** A streaming replica of the database. */
export interface ReplicaConfig {
  /** Undefined where there is none. */
  readonly url: string | undefined;
  readonly connections: number;
  /** How long it has for a read, catching up included, before the primary is asked, in milliseconds. */
  readonly timeoutMs: number;
  /** How long of that it has to catch up with the primary, in milliseconds. */
  readonly lagMs: number;
}

/** The replica, where there is one. */
export interface Replica {
  readonly readFromReplica: ReadFromReplica;
  /** Of the breaker in front of the replica; undefined where there is no replica. */
  readonly breaker: BreakerStatus | undefined;
}

/** Creates the reader of the replica; where there is none, everything is read from the primary. */
export function createReplica(
  { createPool, use, logs, metrics }: Resources,
  {
    replica: { url, connections, timeoutMs, lagMs },
    statementTimeoutMs,
  }: { readonly replica: ReplicaConfig; readonly statementTimeoutMs: number },
  primary: Pool,
): Replica {
  if (url === undefined) return { readFromReplica: (read) => read(primary), breaker: undefined };
  const pool = createPool('replica', {
    url,
    maxConnections: connections,
    settings: READ_SETTINGS,
    mayBeStandby: true,
    statementTimeoutMs: Math.min(statementTimeoutMs, timeoutMs),
    giveUpMs: timeoutMs,
  });
  const reader = use(
    createReplicaReader({
      primary,
      replica: pool,
      capacity: connections * READS_A_CONNECTION,
      timeoutMs,
      lagMs,
      onStateChange: (next, cause) =>
        logs.app.warn({ state: next, reason: cause && errorText(cause) }, 'replica: breaker'),
    }),
  );
  metrics.states.breaker('replica', reader);
  return { readFromReplica: reader.readFromReplica, breaker: reader };
}
