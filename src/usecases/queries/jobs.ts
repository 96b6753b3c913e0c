// Reads the state of jobs and their dead letters, for operators.
import type { DeadLetter, JobStatus } from '../../db/jobs/index.ts';
import { JOB_NAMES, type JobEntry, type JobName, jobEntry } from '../../domain/jobs.ts';
import { mustBeOneOf } from '../../domain/localized-text.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { AdminReads } from '../../repositories/index.ts';
import type { AdminCore } from '../core.ts';

/** Jobs are all that these use cases need. */
export type JobCore = Pick<AdminCore, 'jobs'>;

export type { DeadLetter } from '../../db/jobs/index.ts';

/** A job as operators see it. */
export interface JobView extends Omit<JobStatus, 'job'> {
  readonly name: JobName;
  readonly entry: JobEntry;
  readonly waiting: bigint;
  readonly deadLetters: bigint;
}

const NEVER_RAN = {
  pausedAt: undefined,
  runs: 0n,
  failures: 0n,
  lastStartedAt: undefined,
  lastEndedAt: undefined,
  lastResult: '',
  lastError: '',
};

/** All jobs. */
export async function listJobs({ jobs }: Pick<AdminReads, 'jobs'>): Promise<JobView[]> {
  const [standings, { waiting, dead }] = await Promise.all([jobs.statuses(), jobs.counts()]);
  const byName = new Map(standings.map((standing) => [standing.job, standing]));
  return JOB_NAMES.map((name) => ({
    ...NEVER_RAN,
    ...byName.get(name),
    name,
    entry: jobEntry(name),
    waiting: waiting.get(name) ?? 0n,
    deadLetters: dead.get(name) ?? 0n,
  }));
}

/** The part of a job that ops can change; undefined if there is no such job. */
export async function jobState({ jobs }: JobCore, job: string): Promise<object | undefined> {
  if (!JOB_NAMES.some((name) => name === job)) return undefined;
  const standing = (await jobs.statuses()).find((one) => one.job === job);
  return { job, isPaused: standing?.pausedAt !== undefined };
}

/** How long the oldest work has been due that no worker has begun, in seconds; 0 if there is none, paused jobs left out. */
export function oldestDue({ jobs }: Pick<AdminReads, 'jobs'>): Promise<number> {
  return jobs.oldestDueSeconds();
}

/** Dead letters of one job or, with an empty name, of all. Refuses JOB_NOT_FOUND. */
export async function listDeadLetters({ jobs }: JobCore, job: string): Promise<DeadLetter[]> {
  return jobs.deadLetters(job === '' ? '' : checkJobName(job));
}

/** The name of a job that a caller named. Refuses JOB_NOT_FOUND. */
export function checkJobName(job: string): JobName {
  const name = JOB_NAMES.find((one) => one === job);
  if (!name) throw refuseField('JOB_NOT_FOUND', 'job', mustBeOneOf(JOB_NAMES));
  return name;
}
