// Deletes old rows, and makes partitions.
import type { Pool } from 'pg';
import type { Reader } from '../pool.ts';

/** Months are UTC's, whatever the session's time zone is. */
const MONTHS_WITH_PARTITION = `
  SELECT coalesce(min(ahead), $1)::integer AS months FROM generate_series(0, $1::integer - 1) AS ahead
  WHERE to_regclass('public.transfers_' || to_char(
    date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') + make_interval(months => ahead), 'YYYY_MM')) IS NULL`;
/** More months than there are partitions ahead. */
const MANY_MONTHS = 120;

/**
 * Makes the partitions of this month's transfers and of `monthsAhead` more, without holding up calls; existing ones are not
 * locked. Throws (SQLSTATE 55P03) while another session changes the table; then try again.
 */
export async function ensurePartitions(pool: Pool, monthsAhead: number): Promise<void> {
  await pool.query('SELECT open_transfer_months($1)', [monthsAhead]);
}

/** How many months in a row have a partition, from this month on: at 0 no money can move, at 1 none can next month. */
export async function monthsWithPartition(db: Reader): Promise<number> {
  const statement = { name: 'months-with-partition', text: MONTHS_WITH_PARTITION, values: [MANY_MONTHS] };
  return (await db.query<{ months: number }>(statement)).rows[0]?.months ?? 0;
}

/** Deletes up to `atMost` closed sprinkles that are older than this; returns how many. */
export async function purgeSprinkles(pool: Pool, madeBeforeMs: number, atMost: number): Promise<number> {
  const { rows } = await pool.query<{ gone: number }>(
    `SELECT purge_sprinkles(clock_timestamp() - $1 * interval '1 millisecond', $2) AS gone`,
    [madeBeforeMs, atMost],
  );
  return rows[0]?.gone ?? 0;
}

/** Deletes up to `atMost` drafts of payouts that are older than this, and at least a day old; returns how many. */
export async function purgePayoutDrafts(pool: Pool, madeBeforeMs: number, atMost: number): Promise<number> {
  const { rows } = await pool.query<{ gone: number }>(
    `SELECT purge_payout_drafts(clock_timestamp() - $1 * interval '1 millisecond', $2) AS gone`,
    [madeBeforeMs, atMost],
  );
  return rows[0]?.gone ?? 0;
}

/** Deletes up to `atMost` marks of refusals that are an hour old; returns how many. */
export async function purgeRefusalMarks(pool: Pool, atMost: number): Promise<number> {
  const { rows } = await pool.query<{ gone: number }>('SELECT purge_refusal_marks($1) AS gone', [atMost]);
  return rows[0]?.gone ?? 0;
}

/** Deletes up to `atMost` nonces whose signatures have expired; returns how many. */
export async function purgeNonces(pool: Pool, atMost: number): Promise<number> {
  const { rows } = await pool.query<{ gone: number }>('SELECT purge_nonces($1) AS gone', [atMost]);
  return rows[0]?.gone ?? 0;
}

/** Deletes API keys that ended longer ago than this; returns how many. */
export async function purgeApiKeys(pool: Pool, endedBeforeMs: number): Promise<number> {
  const { rows } = await pool.query<{ gone: number }>(
    `SELECT purge_api_keys(clock_timestamp() - $1 * interval '1 millisecond') AS gone`,
    [endedBeforeMs],
  );
  return rows[0]?.gone ?? 0;
}
