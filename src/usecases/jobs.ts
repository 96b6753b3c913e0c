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
import { JOB_NAMES, type JobEntry, type JobName, jobEntry } from '../domain/jobs.ts';
import { refuseField } from '../domain/refusal.ts';
import type { Micros } from '../domain/time.ts';
import { mustBeOneOf } from '../domain/words.ts';
import type { Core } from './core.ts';

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
export async function listJobs({ reads }: Core): Promise<JobView[]> {
  const [standings, { waiting, dead }] = await Promise.all([jobStandings(reads), countJobs(reads)]);
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

/** Runs a job that has a schedule once besides it. Refuses JOB_NOT_FOUND. */
export async function runJobNow({ reads }: Core, job: string): Promise<void> {
  const name = known(job);
  // A job without a schedule runs for something, and nobody says here for what.
  if (!jobEntry(name).schedule)
    throw refuseField('JOB_NOT_FOUND', 'job', {
      en: 'runs only for what it is told',
      ko: '지정된 대상에 대해서만 실행됩니다',
    });
  await enqueue(reads, name, {});
}

/** Refuses JOB_NOT_FOUND. */
export async function pauseJob({ reads }: Core, job: string): Promise<void> {
  await setPaused(reads, known(job), true);
}

/** Refuses JOB_NOT_FOUND. */
export async function resumeJob({ reads }: Core, job: string): Promise<void> {
  await setPaused(reads, known(job), false);
}

/** Dead letters of one job or, with an empty name, of all. Refuses JOB_NOT_FOUND. */
export async function deadLetters({ reads }: Core, job: string): Promise<DeadLetter[]> {
  return listDeadLetters(reads, job === '' ? '' : known(job));
}

/** Sends dead letters to the queue once more; returns how many were not replayed before. */
export async function replay({ reads }: Core, ids: readonly bigint[]): Promise<number> {
  return replayDeadLetters(reads, ids);
}

function known(job: string): JobName {
  const name = JOB_NAMES.find((one) => one === job);
  if (!name) throw refuseField('JOB_NOT_FOUND', 'job', mustBeOneOf(JOB_NAMES));
  return name;
}
