// Old rows that may go, and partitions that have to come.
import type { Pool } from 'pg';

/** Makes the partitions of this month's transfers and of so many months ahead. */
export async function ensurePartitions(pool: Pool, monthsAhead: number): Promise<void> {
  await pool.query('SELECT ensure_transfer_partitions($1)', [monthsAhead]);
}

/** Deletes up to so many closed sprinkles that were made so long ago; returns how many there were. */
export async function purgeSprinkles(pool: Pool, madeBeforeMs: number, atMost: number): Promise<number> {
  const { rows } = await pool.query<{ gone: number }>(
    `SELECT purge_sprinkles(clock_timestamp() - $1 * interval '1 millisecond', $2) AS gone`,
    [madeBeforeMs, atMost],
  );
  return rows[0]?.gone ?? 0;
}

/** Deletes API keys that ended so long ago; returns how many there were. */
export async function purgeApiKeys(pool: Pool, endedBeforeMs: number): Promise<number> {
  const { rows } = await pool.query<{ gone: number }>(
    `SELECT purge_api_keys(clock_timestamp() - $1 * interval '1 millisecond') AS gone`,
    [endedBeforeMs],
  );
  return rows[0]?.gone ?? 0;
}
