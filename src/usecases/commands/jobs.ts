// Runs, pauses and resumes jobs, and replays dead letters, for ops.
import { jobEntry } from '../../domain/jobs.ts';
import { refuseField } from '../../domain/refusal.ts';
import { checkJobName, type JobCore } from '../queries/jobs.ts';

/** Runs a scheduled job once, in addition to its schedule. Refuses JOB_NOT_FOUND. */
export async function runJobNow({ jobs }: JobCore, job: string): Promise<void> {
  const name = checkJobName(job);
  // A job without a schedule runs for one thing, which this call does not name.
  if (!jobEntry(name).schedule)
    throw refuseField('JOB_NOT_FOUND', 'job', {
      en: 'runs only for what it is told',
      ko: '지정된 대상에 대해서만 실행됩니다',
    });
  await jobs.run(name);
}

/** Refuses JOB_NOT_FOUND. */
export async function pauseJob({ jobs }: JobCore, job: string): Promise<void> {
  await jobs.setPaused(checkJobName(job), true);
}

/** Refuses JOB_NOT_FOUND. */
export async function resumeJob({ jobs }: JobCore, job: string): Promise<void> {
  await jobs.setPaused(checkJobName(job), false);
}

/** Enqueues dead letters again; returns how many were not replayed before. */
export async function replayDeadLetters({ jobs }: JobCore, ids: readonly bigint[]): Promise<number> {
  return jobs.replay(ids);
}
