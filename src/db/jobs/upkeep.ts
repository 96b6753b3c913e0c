// Old rows that may go, and partitions that have to come.
import type { Pool } from 'pg';
import type { Reader } from '../pool.ts';

/** Months are UTC's, whatever the session's time zone is. */
const MONTHS_WITH_PARTITION = `
  SELECT coalesce(min(ahead), $1)::integer AS months FROM generate_series(0, $1::integer - 1) AS ahead
  WHERE to_regclass('public.transfers_' || to_char(
    date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') + make_interval(months => ahead), 'YYYY_MM')) IS NULL`;
/** Further ahead than anybody makes partitions. */
const MANY_MONTHS = 120;

/**
 * Makes the partitions of this month's transfers and of so many months ahead, without anybody waiting for it. Where they
 * exist it locks nothing. Throws (SQLSTATE 55P03) where somebody else changes the table; then it is to be tried again.
 */
export async function ensurePartitions(pool: Pool, monthsAhead: number): Promise<void> {
  await pool.query('SELECT open_transfer_months($1)', [monthsAhead]);
}

/** How many months have a partition without a gap, this month the first: at 0 no money can move, at 1 not next month. */
export async function monthsWithPartition(db: Reader): Promise<number> {
  const statement = { name: 'months-with-partition', text: MONTHS_WITH_PARTITION, values: [MANY_MONTHS] };
  return (await db.query<{ months: number }>(statement)).rows[0]?.months ?? 0;
}

/** Deletes up to so many closed sprinkles that were made so long ago; returns how many there were. */
export async function purgeSprinkles(pool: Pool, madeBeforeMs: number, atMost: number): Promise<number> {
  const { rows } = await pool.query<{ gone: number }>(
    `SELECT purge_sprinkles(clock_timestamp() - $1 * interval '1 millisecond', $2) AS gone`,
    [madeBeforeMs, atMost],
  );
  return rows[0]?.gone ?? 0;
}

/** Deletes up to so many drafts of payouts that were made so long ago, a day at least; returns how many there were. */
export async function purgePayoutDrafts(pool: Pool, madeBeforeMs: number, atMost: number): Promise<number> {
  const { rows } = await pool.query<{ gone: number }>(
    `SELECT purge_payout_drafts(clock_timestamp() - $1 * interval '1 millisecond', $2) AS gone`,
    [madeBeforeMs, atMost],
  );
  return rows[0]?.gone ?? 0;
}

/** Deletes up to so many marks of refusals that no attempt can meet any more; returns how many there were. */
export async function purgeRefusalMarks(pool: Pool, atMost: number): Promise<number> {
  const { rows } = await pool.query<{ gone: number }>('SELECT purge_refusal_marks($1) AS gone', [atMost]);
  return rows[0]?.gone ?? 0;
}

/** Deletes up to so many nonces that no signature can bring any more; returns how many there were. */
export async function purgeNonces(pool: Pool, atMost: number): Promise<number> {
  const { rows } = await pool.query<{ gone: number }>('SELECT purge_nonces($1) AS gone', [atMost]);
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
