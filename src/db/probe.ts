// Asks Postgres whether it is there and takes writes, on a connection of its own.
import pg from 'pg';
import { Connection, connectionConfig } from './connection.ts';
import type { NodeGuard } from './node-guard.ts';
import { PostgresReadOnlyError } from './unreachable.ts';

/**
 * True on a standby, and where default_transaction_read_only was set; a primary that was demoted says so here first. What
 * is set for a login or a database holds for new sessions only, so this old one looks it up (pg_db_role_setting; a login
 * goes before a database, and one in a database before both).
 */
const ASK = `
  SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean OR coalesce((
    SELECT split_part(setting, '=', 2)::boolean FROM pg_db_role_setting, unnest(setconfig) AS setting
    WHERE setting LIKE 'default_transaction_read_only=%'
      AND setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))
      AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    ORDER BY setrole = 0, setdatabase = 0 LIMIT 1), false) AS is_read_only,
    extract(epoch FROM clock_timestamp())::float8 * 1000 AS clock_ms`;

/**
 * Resolves when Postgres takes writes, with its clock in milliseconds since 1970; throws what Postgres says, or a
 * PostgresReadOnlyError.
 */
export async function askForWrites(pool: pg.Pool | pg.PoolClient): Promise<number> {
  const { rows } = await pool.query<{ is_read_only: boolean; clock_ms: number }>(ASK);
  if (rows[0]?.is_read_only)
    throw new PostgresReadOnlyError('it takes no writes: it is a standby, or read-only');
  return rows[0]?.clock_ms ?? Number.NaN;
}

/** A way to ask. */
export interface PostgresProbe extends AsyncDisposable {
  /**
   * Resolves when Postgres takes writes, with how far the clock of this machine is ahead of that of Postgres, in
   * milliseconds; rejects when it refuses, is read-only, or has not answered in time.
   */
  ask(): Promise<number>;
}

/**
 * Creates a probe. Its connection serves nothing else, so that busy pools are not taken for an outage; it is opened by the
 * first query, and again after each failure.
 */
export function createPostgresProbe(url: string, timeoutMs: number, guard: NodeGuard): PostgresProbe {
  const config = connectionConfig({
    ...{ url, guard, applicationName: 'ppuri-probe' },
    ...{ connectWithinMs: timeoutMs, answerWithinMs: timeoutMs, statementTimeoutMs: timeoutMs },
  });
  const pool = new pg.Pool({ ...config, max: 1, idleTimeoutMillis: 0, Client: Connection } as pg.PoolConfig);
  // A connection that is lost between two questions is noticed by the next one.
  pool.on('error', () => {});
  return {
    ask: async () => {
      const client = await pool.connect();
      try {
        const sentAt = Date.now();
        const clockMs = await askForWrites(client);
        client.release();
        // The clock was read somewhere on the way, so this is exact to half of the round trip.
        return (sentAt + Date.now()) / 2 - clockMs;
      } catch (error) {
        // Also where it is read-only: this session may stay so when new ones are not.
        client.release(true);
        throw error;
      }
    },
    [Symbol.asyncDispose]: () => pool.end(),
  };
}
