// What is known of each job: how it last went, and whether ops paused it.
import type { Pool } from 'pg';
import type { JobName } from '../../domain/jobs.ts';

/** How one run of a job went. */
export interface JobRun {
  readonly job: JobName;
  /** How long it took, in milliseconds. */
  readonly tookMs: number;
  /** What it says it did; undefined when it failed. */
  readonly result: object | undefined;
  /** Undefined when it went well. */
  readonly error: string | undefined;
}

const RECORD_RUN = `
  INSERT INTO job_states AS s (job, runs, failures, last_started_at, last_ended_at, last_result, last_error)
  VALUES ($1, 1, ($4::text IS NOT NULL)::int, clock_timestamp() - $2 * interval '1 millisecond', clock_timestamp(), $3, $4)
  ON CONFLICT (job) DO UPDATE SET runs = s.runs + 1, failures = s.failures + excluded.failures,
    last_started_at = excluded.last_started_at, last_ended_at = excluded.last_ended_at,
    last_result = excluded.last_result, last_error = excluded.last_error`;

/** Records how a run went. */
export async function recordRun(pool: Pool, { job, tookMs, result, error }: JobRun): Promise<void> {
  const values = [job, tookMs, result === undefined ? null : JSON.stringify(result), error ?? null];
  await pool.query({ name: 'record-run', text: RECORD_RUN, values });
}

/** The jobs that ops paused. */
export async function pausedJobs(pool: Pool): Promise<Set<string>> {
  const { rows } = await pool.query<{ job: string }>({
    name: 'paused-jobs',
    text: 'SELECT job FROM job_states WHERE paused_at IS NOT NULL',
  });
  return new Set(rows.map(({ job }) => job));
}
