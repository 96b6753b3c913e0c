// What admin.v1 reads and changes besides API keys: jobs, the audit trail and statistics, by a database login of its own.
import { type ActFilter, type KeptAct, listActs } from '../db/audit.ts';
import {
  countJobs,
  type DeadLetter,
  enqueue,
  type JobStatus,
  jobStatuses,
  listDeadLetters,
  replayDeadLetters,
  setPaused,
} from '../db/jobs/index.ts';
import type { Pool } from '../db/pool.ts';
import { type Figure, readSeries, type SeriesFilter } from '../db/reads/index.ts';
import type { JobName } from '../domain/jobs.ts';
import type { Page } from '../domain/page.ts';

/** Jobs as ops see and change them. */
export interface JobRepository {
  statuses(): Promise<JobStatus[]>;
  /** How many runs of each job wait, and how many are dead letters. */
  counts(): ReturnType<typeof countJobs>;
  /** Dead letters of one job or, with an empty name, of all. */
  deadLetters(job: string): Promise<DeadLetter[]>;
  setPaused(job: JobName, isPaused: boolean): Promise<void>;
  /** Enqueues dead letters again; returns how many were not replayed before. */
  replay(ids: readonly bigint[]): Promise<number>;
  /** Enqueues a run of a job that needs no payload. */
  run(job: JobName): Promise<void>;
}

/** The audit trail. */
export interface AuditRepository {
  /** Acts, newest first, one page; `after` is the id at which the page before ended, or 0. */
  list(filter: ActFilter, after: bigint, size: number): Promise<Page<KeptAct, bigint>>;
}

/** Statistics that the job `aggregate-statistics` has worked out. */
export interface StatisticsRepository {
  /** Figures in the order of time, at most `limit` of them. */
  series(filter: SeriesFilter, limit: number): Promise<Figure[]>;
}

/** The repositories of admin.v1. */
export interface AdminRepositories {
  readonly jobs: JobRepository;
  readonly audit: AuditRepository;
  readonly statistics: StatisticsRepository;
}

export function createAdminRepositories(pool: Pool): AdminRepositories {
  return {
    jobs: {
      statuses: () => jobStatuses(pool),
      counts: () => countJobs(pool),
      deadLetters: (job) => listDeadLetters(pool, job),
      setPaused: (job, isPaused) => setPaused(pool, job, isPaused),
      replay: (ids) => replayDeadLetters(pool, ids),
      run: (job) => enqueue(pool, job, {}),
    },
    audit: { list: (filter, after, size) => listActs(pool, filter, after, size) },
    statistics: { series: (filter, limit) => readSeries(pool, filter, limit) },
  };
}
