// Asks Postgres now and then whether it is there, on a connection of its own.
import pg from 'pg';

/** A way to ask. */
export interface Probe {
  /** Resolves when Postgres has answered; rejects when it refuses, or has not answered in time. */
  ask(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a probe. Its one connection is nobody else's, so that busy pools are not taken for a database that is away; it
 * is opened by the first question, and anew after each that failed.
 */
export function openProbe(url: string, timeoutMs: number): Probe {
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    idleTimeoutMillis: 0,
    application_name: 'ppuri-probe',
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  });
  // A connection that is lost between two questions is noticed by the next one.
  pool.on('error', () => {});
  return {
    ask: async () => {
      await pool.query('SELECT 1');
    },
    close: () => pool.end(),
  };
}
