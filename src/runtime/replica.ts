// Opens the way to the replica, told what to log; a piece of app.ts' wiring.

import { createPool, type Pool } from '../db/pool.ts';
import { type LookUp, startLookUps } from '../db/replica/look-ups.ts';
import { errorText } from '../domain/error-fields.ts';
import type { BreakerState } from '../resilience/index.ts';
import type { ServerConfig } from '../server/config.ts';
import type { Logs } from './logs.ts';

/** How many reads may be under way for each of the replica's connections: a short rush waits, a long one does not. */
const READS_A_CONNECTION = 8;

/** The way to the replica. */
export interface Replica {
  readonly lookUp: LookUp;
  /** Undefined where there is no replica. */
  state(): BreakerState | undefined;
  close(): Promise<void>;
}

/** Opens the way to the replica; where there is none, everything is read from the primary. */
export function createReplica(
  { replica, statementTimeoutMs }: ServerConfig,
  primary: Pool,
  logs: Pick<Logs, 'app'>,
): Replica {
  if (!replica) return { lookUp: (read) => read(primary), state: () => undefined, close: async () => {} };
  const pool = createPool({
    url: replica.url,
    maxConnections: replica.connections,
    statementTimeoutMs: Math.min(statementTimeoutMs, replica.timeoutMs),
    giveUpMs: replica.timeoutMs,
    onIdleError: (error) => logs.app.warn({ reason: errorText(error) }, 'lost a connection to the replica'),
  });
  const { lookUp, state, close } = startLookUps({
    primary,
    replica: pool,
    capacity: replica.connections * READS_A_CONNECTION,
    timeoutMs: replica.timeoutMs,
    lagMs: replica.lagMs,
    onStateChange: (next, cause) =>
      logs.app.warn({ state: next, reason: cause && errorText(cause) }, 'replica: breaker'),
  });
  return {
    lookUp,
    state,
    close: async () => {
      close();
      await pool.end();
    },
  };
}
