// Runs, pauses and resumes jobs, and replays dead letters, for ops.
import { replayDeadLetters as replay, setPaused } from '../../db/jobs/job-admin.ts';
import { enqueue } from '../../db/jobs/outbox.ts';
import type { Pool } from '../../db/pool.ts';
import { jobEntry } from '../../domain/jobs.ts';
import { refuseField } from '../../domain/refusal.ts';
import { checkJobName } from '../queries/jobs.ts';

/** Runs a scheduled job once, in addition to its schedule. Refuses JOB_NOT_FOUND. */
export async function runJobNow(pool: Pool, job: string): Promise<void> {
  const name = checkJobName(job);
  // A job without a schedule runs for one thing, which this call does not name.
  if (!jobEntry(name).schedule)
    throw refuseField('JOB_NOT_FOUND', 'job', {
      en: 'runs only for what it is told',
      ko: '지정된 대상에 대해서만 실행됩니다',
    });
  await enqueue(pool, name, {});
}

/** Refuses JOB_NOT_FOUND. */
export async function pauseJob(pool: Pool, job: string): Promise<void> {
  await setPaused(pool, checkJobName(job), true);
}

/** Refuses JOB_NOT_FOUND. */
export async function resumeJob(pool: Pool, job: string): Promise<void> {
  await setPaused(pool, checkJobName(job), false);
}

/** Enqueues dead letters again; returns how many were not replayed before. */
export async function replayDeadLetters(pool: Pool, ids: readonly bigint[]): Promise<number> {
  return replay(pool, ids);
}
