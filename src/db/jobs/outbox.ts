// The outbox: rows that were written with the money and wait for a relay, for their time, or for being done.
import type { Pool } from 'pg';
import { JOB_NAMES, type JobData, type JobName } from '../../domain/jobs.ts';
import type { Reader } from '../pool.ts';
import { plainArray } from '../sql.ts';
import { inTransaction } from '../transaction.ts';

/** A row of the outbox. */
export interface OutboxRow {
  readonly id: string;
  /** Its id in the queue: a random UUID, so that a restored backup never uses it for other work. */
  readonly queueId: string;
  readonly job: JobName;
  readonly data: JobData;
  /** The trace of the call that asked for it, as a W3C traceparent. */
  readonly traceparent: string | undefined;
  /** How long until its time, in milliseconds; 0 when that has come. */
  readonly delayMs: number;
}

/*
 * SKIP LOCKED: relays that run side by side take different rows. Jobs that this version does not know are left for one
 * that does.
 */
const TAKE = `
  SELECT id, queue_id, job, data, greatest(0, ceil(extract(epoch FROM run_at - clock_timestamp()) * 1000))::float8 AS delay_ms
  FROM outbox WHERE relayed_at IS NULL AND job = ANY ($1::text[]) ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED`;

const NOTE_RELAYED = `UPDATE outbox SET relayed_at = clock_timestamp() WHERE id = ANY ($1::bigint[])`;

const FORGET_RELAYED = `UPDATE outbox SET relayed_at = NULL WHERE relayed_at IS NOT NULL`;

const FORGET_OVERDUE = `
  UPDATE outbox SET relayed_at = NULL
  WHERE relayed_at < clock_timestamp() - $1 * interval '1 millisecond'
    AND run_at < clock_timestamp() - $1 * interval '1 millisecond'`;

const OLDEST_DUE = `
  SELECT coalesce(extract(epoch FROM clock_timestamp() - min(o.run_at)), 0)::float8 AS seconds
  FROM outbox o LEFT JOIN job_states s USING (job) WHERE o.run_at <= clock_timestamp() AND s.paused_at IS NULL`;

const INSERT = `
  INSERT INTO outbox (job, data, run_at)
  VALUES ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')`;

/**
 * Passes the oldest rows that are not relayed to `send`, and marks them as relayed once it has returned. A crash in
 * between sends them again: at least once. Returns how many there were.
 */
export function relayRows(
  pool: Pool,
  limit: number,
  send: (rows: readonly OutboxRow[]) => Promise<void>,
): Promise<number> {
  return inTransaction(pool, async (client) => {
    type Row = { id: string; queue_id: string; job: JobName; data: JobData; delay_ms: number };
    const { rows } = await client.query<Row>({
      name: 'take-outbox',
      text: TAKE,
      values: [plainArray(JOB_NAMES), limit],
    });
    if (rows.length === 0) return 0;
    await send(
      rows.map(({ queue_id: queueId, delay_ms: delayMs, data: { traceparent, ...data }, ...row }) => ({
        ...row,
        queueId,
        delayMs,
        data,
        traceparent: traceparent === undefined ? undefined : String(traceparent),
      })),
    );
    const ids = plainArray(rows.map(({ id }) => id));
    await client.query({ name: 'note-relayed', text: NOTE_RELAYED, values: [ids] });
    return rows.length;
  });
}

/** Marks all rows as not relayed: the queue has lost them. */
export async function forgetRelayed(pool: Pool): Promise<void> {
  await pool.query(FORGET_RELAYED);
}

/**
 * Marks rows as not relayed that were due `afterMs` ago and are not done: the queue may have lost them, and ignores those
 * that it still has. Returns how many there were.
 */
export async function forgetOverdue(pool: Pool, afterMs: number): Promise<number> {
  return (
    (await pool.query({ name: 'forget-overdue', text: FORGET_OVERDUE, values: [afterMs] })).rowCount ?? 0
  );
}

/** Whether a row's job is still to be done. */
export async function hasRow(pool: Pool, queueId: string): Promise<boolean> {
  const query = { name: 'has-outbox', text: 'SELECT FROM outbox WHERE queue_id = $1', values: [queueId] };
  return (await pool.query(query)).rowCount === 1;
}

/** Removes a row whose job is done. */
export async function finishRow(pool: Pool, queueId: string): Promise<void> {
  await pool.query({
    name: 'finish-outbox',
    text: 'DELETE FROM outbox WHERE queue_id = $1',
    values: [queueId],
  });
}

/** Inserts a job outside of any batch, due in `delayMs`. */
export async function enqueue(pool: Pool, job: JobName, data: JobData, delayMs = 0): Promise<void> {
  await pool.query({ name: 'enqueue', text: INSERT, values: [job, JSON.stringify(data), delayMs] });
}

/** How long the oldest due row has been due, in seconds, without paused jobs; 0 if none is due. */
export async function oldestDueSeconds(db: Reader): Promise<number> {
  const statement = { name: 'oldest-due', text: OLDEST_DUE, values: [] };
  return Math.max(0, (await db.query<{ seconds: number }>(statement)).rows[0]?.seconds ?? 0);
}
