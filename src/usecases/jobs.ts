// Looks after jobs, for ops.
import {
  countJobs,
  type DeadLetter,
  jobStandings,
  listDeadLetters,
  replayDeadLetters,
  setPaused,
} from '../db/jobs/office.ts';
import { enqueue } from '../db/jobs/outbox.ts';
import type { Pool } from '../db/pool.ts';
import { JOB_NAMES, type JobEntry, type JobName, jobEntry } from '../domain/jobs.ts';
import { refuseField } from '../domain/refusal.ts';
import type { Micros } from '../domain/time.ts';
import { mustBeOneOf } from '../domain/words.ts';

export type { DeadLetter } from '../db/jobs/office.ts';

/** A job as ops see it. */
export interface JobView {
  readonly name: JobName;
  readonly entry: JobEntry;
  readonly pausedAt: Micros | undefined;
  readonly runs: bigint;
  readonly failures: bigint;
  readonly lastStartedAt: Micros | undefined;
  readonly lastEndedAt: Micros | undefined;
  readonly lastResult: string;
  readonly lastError: string;
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
export async function listJobs(pool: Pool): Promise<JobView[]> {
  const [standings, { waiting, dead }] = await Promise.all([jobStandings(pool), countJobs(pool)]);
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

/** What of a job ops can change; undefined where there is no such job. */
export async function jobState(pool: Pool, job: string): Promise<object | undefined> {
  if (!JOB_NAMES.some((name) => name === job)) return undefined;
  const standing = (await jobStandings(pool)).find((one) => one.job === job);
  return { job, isPaused: standing?.pausedAt !== undefined };
}

/** Runs a job that has a schedule once besides it. Refuses JOB_NOT_FOUND. */
export async function runJobNow(pool: Pool, job: string): Promise<void> {
  const name = known(job);
  // A job without a schedule runs for something, and nobody says here for what.
  if (!jobEntry(name).schedule)
    throw refuseField('JOB_NOT_FOUND', 'job', {
      en: 'runs only for what it is told',
      ko: '지정된 대상에 대해서만 실행됩니다',
    });
  await enqueue(pool, name, {});
}

/** Refuses JOB_NOT_FOUND. */
export async function pauseJob(pool: Pool, job: string): Promise<void> {
  await setPaused(pool, known(job), true);
}

/** Refuses JOB_NOT_FOUND. */
export async function resumeJob(pool: Pool, job: string): Promise<void> {
  await setPaused(pool, known(job), false);
}

/** Dead letters of one job or, with an empty name, of all. Refuses JOB_NOT_FOUND. */
export async function deadLetters(pool: Pool, job: string): Promise<DeadLetter[]> {
  return listDeadLetters(pool, job === '' ? '' : known(job));
}

/** Sends dead letters to the queue once more; returns how many were not replayed before. */
export async function replay(pool: Pool, ids: readonly bigint[]): Promise<number> {
  return replayDeadLetters(pool, ids);
}

function known(job: string): JobName {
  const name = JOB_NAMES.find((one) => one === job);
  if (!name) throw refuseField('JOB_NOT_FOUND', 'job', mustBeOneOf(JOB_NAMES));
  return name;
}
