// Creates the reader of the replica, told what to log.

import { createPool, type Pool, type ReadFromReplica } from '../db/pool.ts';
import { createReplicaReader } from '../db/replica/index.ts';
import { errorText } from '../domain/error-fields.ts';
import type { BreakerStatus } from '../resilience/index.ts';
import type { ServerConfig } from '../server/config.ts';
import type { Logs } from './logs.ts';

/** Reads that may be under way for each of the replica's connections: a short rush waits, a long one goes to the primary. */
const READS_A_CONNECTION = 8;

/** The replica, where there is one. */
export interface Replica extends AsyncDisposable {
  readonly readFromReplica: ReadFromReplica;
  /** Of the breaker in front of the replica; undefined where there is no replica. */
  readonly breaker: BreakerStatus | undefined;
}

/** Creates the reader of the replica; where there is none, everything is read from the primary. */
export function createReplica(
  { replica, statementTimeoutMs }: ServerConfig,
  primary: Pool,
  logs: Pick<Logs, 'app'>,
): Replica {
  const { url } = replica;
  if (url === undefined) {
    return {
      readFromReplica: (read) => read(primary),
      breaker: undefined,
      [Symbol.asyncDispose]: async () => {},
    };
  }
  const pool = createPool({
    url,
    maxConnections: replica.connections,
    statementTimeoutMs: Math.min(statementTimeoutMs, replica.timeoutMs),
    giveUpMs: replica.timeoutMs,
    onIdleError: (error) => logs.app.warn({ reason: errorText(error) }, 'lost a connection to the replica'),
  });
  const reader = createReplicaReader({
    primary,
    replica: pool,
    capacity: replica.connections * READS_A_CONNECTION,
    timeoutMs: replica.timeoutMs,
    lagMs: replica.lagMs,
    onStateChange: (state, cause) =>
      logs.app.warn({ state, reason: cause && errorText(cause) }, 'replica: breaker'),
  });
  return {
    readFromReplica: reader.readFromReplica,
    breaker: reader,
    [Symbol.asyncDispose]: async () => {
      reader[Symbol.dispose]();
      await pool.end();
    },
  };
}
