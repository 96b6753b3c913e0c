// What admin.v1 shows and changes of jobs. All of it is in Postgres, so that it survives the loss of Redis.
import type { Pool } from 'pg';
import type { JobName } from '../../domain/jobs.ts';
import type { Micros } from '../../domain/time.ts';
import type { Queries } from '../pool.ts';
import { microsOf, plainArray } from '../sql.ts';

/** The status of a job. */
export interface JobStatus {
  readonly job: string;
  readonly pausedAt: Micros | undefined;
  readonly runs: bigint;
  readonly failures: bigint;
  readonly lastStartedAt: Micros | undefined;
  readonly lastEndedAt: Micros | undefined;
  /** JSON; empty when the last run failed, or there was none. */
  readonly lastResult: string;
  readonly lastError: string;
}

/** A dead letter that was not replayed. */
export interface DeadLetter {
  readonly id: bigint;
  readonly job: string;
  readonly data: string;
  readonly error: string;
  readonly attempts: number;
  readonly failedAt: Micros;
}

const JOB_STATUSES = `
  SELECT job, ${microsOf('paused_at')} AS paused_at, runs, failures, ${microsOf('last_started_at')} AS last_started_at,
    ${microsOf('last_ended_at')} AS last_ended_at, last_result::text, last_error FROM job_states`;

const SET_PAUSED = `
  INSERT INTO job_states AS s (job, paused_at) VALUES ($1, CASE WHEN $2 THEN clock_timestamp() END)
  ON CONFLICT (job) DO UPDATE SET paused_at = CASE WHEN $2 THEN coalesce(s.paused_at, excluded.paused_at) END`;

const LIST_DEAD_LETTERS = `
  SELECT id, job, data::text, error, attempts, ${microsOf('failed_at')} AS failed_at FROM dead_letters
  WHERE replayed_at IS NULL AND ($1 = '' OR job = $1) ORDER BY id DESC LIMIT 1000`;

const REPLAY = `
  WITH replayed AS (
    UPDATE dead_letters SET replayed_at = clock_timestamp() WHERE id = ANY ($1::bigint[]) AND replayed_at IS NULL
    RETURNING job, data)
  INSERT INTO outbox (job, data, run_at) SELECT job, data, clock_timestamp() FROM replayed`;

const moment = (micros: string | null) => (micros === null ? undefined : Number(micros));

/** The status of each job that has ever run or been paused. */
export async function jobStatuses(db: Queries): Promise<JobStatus[]> {
  type Row = Record<'job' | 'runs' | 'failures', string> &
    Record<'paused_at' | 'last_started_at' | 'last_ended_at' | 'last_result' | 'last_error', string | null>;
  const { rows } = await db.query<Row>(JOB_STATUSES);
  return rows.map((row) => ({
    job: row.job,
    pausedAt: moment(row.paused_at),
    runs: BigInt(row.runs),
    failures: BigInt(row.failures),
    lastStartedAt: moment(row.last_started_at),
    lastEndedAt: moment(row.last_ended_at),
    lastResult: row.last_result ?? '',
    lastError: row.last_error ?? '',
  }));
}

/** How many rows each job has in the outbox, and how many dead letters that were not replayed. */
export async function countJobs(
  db: Queries,
): Promise<{ waiting: Map<string, bigint>; dead: Map<string, bigint> }> {
  const counts = async (sql: string) => {
    const { rows } = await db.query<{ job: string; count: string }>(sql);
    return new Map(rows.map(({ job, count }) => [job, BigInt(count)]));
  };
  const [waiting, dead] = await Promise.all([
    counts('SELECT job, count(*) FROM outbox GROUP BY job'),
    counts('SELECT job, count(*) FROM dead_letters WHERE replayed_at IS NULL GROUP BY job'),
  ]);
  return { waiting, dead };
}

/** Pauses or resumes a job; repeating it changes nothing. */
export async function setPaused(pool: Pool, job: JobName, isPaused: boolean): Promise<void> {
  await pool.query(SET_PAUSED, [job, isPaused]);
}

/** Dead letters that were not replayed, newest first, of one job or, with an empty name, of all. */
export async function listDeadLetters(pool: Pool, job: string): Promise<DeadLetter[]> {
  type Row = { id: string; job: string; data: string; error: string; attempts: number; failed_at: string };
  const { rows } = await pool.query<Row>(LIST_DEAD_LETTERS, [job]);
  return rows.map(({ id, failed_at, ...row }) => ({ ...row, id: BigInt(id), failedAt: Number(failed_at) }));
}

/** Puts dead letters into the outbox again, each once however often asked for; returns how many. */
export async function replayDeadLetters(pool: Pool, ids: readonly bigint[]): Promise<number> {
  return (await pool.query(REPLAY, [plainArray(ids)])).rowCount ?? 0;
}
