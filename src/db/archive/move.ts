// Moves a month of transfers to the archive: copy in chunks, verify, drop.

import type { Pool } from 'pg';
import { InvariantError } from '../../domain/error-fields.ts';
import { LOCK_NOT_AVAILABLE, sqlState } from '../pool.ts';

/** A month of transfers with its bounds. */
export interface Month {
  /** The first day: 2026-11-01. */
  readonly from: string;
  /** The first day of the next month. */
  readonly to: string;
}

/** The archive's signed attestation of a month. */
export interface Attestation {
  readonly transfers: string;
  readonly amount: string;
  /** SHA-256 over all rows, in hexadecimal. */
  readonly digest: string;
  readonly signature: string;
}

/** All transfers of a month lie in its partition, so the partition's name identifies them. */
const OLD_MONTHS = `
  SELECT to_char(month, 'YYYY-MM-DD') AS from, to_char(month + interval '1 month', 'YYYY-MM-DD') AS to
  FROM (SELECT to_date(right(inhrelid::regclass::text, 7), 'YYYY_MM') AS month FROM pg_inherits
        WHERE inhparent = 'transfers'::regclass) AS partitions
  WHERE month + interval '1 month' <= date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') - $1 * interval '1 month'
  ORDER BY month`;

/** Rows are copied as text, so no conversion in between can change a value. */
const TAKE = `
  SELECT json_agg(t)::text AS rows, count(*)::int AS count, max(created_at)::text AS last_at,
    (array_agg(id ORDER BY created_at DESC, id DESC))[1]::text AS last_id
  FROM (SELECT * FROM transfers WHERE created_at >= $1::timestamp AT TIME ZONE 'UTC'
          AND created_at < $2::timestamp AT TIME ZONE 'UTC' AND (created_at, id) > ($3::timestamptz, $4::uuid)
        ORDER BY created_at, id LIMIT $5) AS t`;

const PUT = `INSERT INTO transfers SELECT * FROM json_populate_recordset(NULL::transfers, $1) ON CONFLICT (id) DO NOTHING`;

const WHERE_IT_STOPPED = `
  SELECT created_at::text AS last_at, id::text AS last_id FROM transfers
  WHERE created_at >= $1::timestamp AT TIME ZONE 'UTC' AND created_at < $2::timestamp AT TIME ZONE 'UTC'
  ORDER BY created_at DESC, id DESC LIMIT 1`;

const ATTEST = `
  SELECT transfers::text, amount::text, encode(digest, 'hex') AS digest, encode(signature, 'hex') AS signature
  FROM attest_month($1)`;

const VERIFY = `SELECT verify_archived_month($1, $2, $3, decode($4, 'hex'), decode($5, 'hex')) AS is_same`;

const BEFORE_ALL = { last_at: '-infinity', last_id: '00000000-0000-0000-0000-000000000000' };

/** The months that ended at least this many months ago, oldest first. */
export async function monthsToArchive(pool: Pool, afterMonths: number): Promise<Month[]> {
  return (await pool.query<Month>(OLD_MONTHS, [afterMonths])).rows;
}

/** Whether the ledger was reconciled through a month. */
export async function isReconciled(pool: Pool, { to }: Month): Promise<boolean> {
  const sql = `SELECT FROM reconciliations WHERE through >= $1::timestamp AT TIME ZONE 'UTC' LIMIT 1`;
  return (await pool.query(sql, [to])).rowCount === 1;
}

/** Whether the feed has every transfer of a month; release_month() refuses those that it lacks some of. */
export async function isSealed(pool: Pool, { from }: Month): Promise<boolean> {
  const { rows } = await pool.query<{ is_sealed: boolean }>('SELECT month_is_sealed($1) AS is_sealed', [
    from,
  ]);
  return rows[0]?.is_sealed === true;
}

/**
 * Copies a month, `chunk` transfers at a time in order of time, and continues where an interrupted copy stopped. Between
 * chunks it waits for `pause`. Returns how many it copied.
 */
export async function copyMonth(
  live: Pool,
  archive: Pool,
  { from, to }: Month,
  chunk: number,
  pause: (tookMs: number) => Promise<boolean>,
): Promise<number> {
  const stopped = await archive.query<typeof BEFORE_ALL>(WHERE_IT_STOPPED, [from, to]);
  let place = stopped.rows[0] ?? BEFORE_ALL;
  for (let copied = 0; ; ) {
    const startedAt = performance.now();
    const taken = await live.query(TAKE, [from, to, place.last_at, place.last_id, chunk]);
    const { rows, count, last_at, last_id } = taken.rows[0];
    if (count === 0) return copied;
    await archive.query(PUT, [rows]);
    place = { last_at, last_id };
    copied += count;
    if (!(await pause(performance.now() - startedAt))) return copied;
  }
}

/** Gets the archive's attestation of a month: neither database trusts the process that copies. */
export async function attestMonth(archive: Pool, { from }: Month): Promise<Attestation> {
  const { rows } = await archive.query<Attestation>(ATTEST, [from]);
  if (!rows[0]) throw new InvariantError('a function that returned no row');
  return rows[0];
}

/** Whether the ledger's rows of a month match what the archive signed; only then the ledger releases the month. */
export async function verifyMonth(live: Pool, { from }: Month, copy: Attestation): Promise<boolean> {
  const values = [from, copy.transfers, copy.amount, copy.digest, copy.signature];
  return (await live.query<{ is_same: boolean }>(VERIFY, values)).rows[0]?.is_same === true;
}

/**
 * Drops a month whose copy was verified. That locks the table of transfers for a moment. If a long read holds the table, it
 * gives up before others queue noticeably, and retries after `pause`, which returns whether to go on.
 */
export async function releaseMonth(
  live: Pool,
  { from }: Month,
  pause: () => Promise<boolean>,
): Promise<void> {
  for (;;) {
    try {
      await live.query('SELECT release_month($1)', [from]);
      return;
    } catch (error) {
      if (sqlState(error) !== LOCK_NOT_AVAILABLE || !(await pause())) throw error;
    }
  }
}
