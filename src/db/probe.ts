// Asks Postgres now and then whether it is there, on a connection of its own.
import pg from 'pg';
import { PostgresAwayError } from './unreachable.ts';

/** True on a standby, and where default_transaction_read_only was set; a primary that was demoted says so here first. */
const ASK = `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS is_read_only`;

/** Resolves when Postgres takes writes; throws what Postgres says, or a PostgresAwayError where it is read-only. */
export async function askForWrites(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ is_read_only: boolean }>(ASK);
  if (rows[0]?.is_read_only) throw new PostgresAwayError('it takes no writes: it is a standby, or read-only');
}

/** A way to ask. */
export interface PostgresProbe {
  /** Resolves when Postgres takes writes; rejects when it refuses, is read-only, or has not answered in time. */
  ask(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a probe. Its one connection is nobody else's, so that busy pools are not taken for a database that is away; it
 * is opened by the first question, and anew after each that failed.
 */
export function createPostgresProbe(url: string, timeoutMs: number): PostgresProbe {
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    idleTimeoutMillis: 0,
    application_name: 'ppuri-probe',
    keepAlive: true,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  });
  // A connection that is lost between two questions is noticed by the next one.
  pool.on('error', () => {});
  return {
    ask: () => askForWrites(pool),
    close: () => pool.end(),
  };
}
