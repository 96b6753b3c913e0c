// What admin.v1 reads and changes besides API keys: jobs, the audit trail, statistics, backups and drills, and limits, by a
// database login of its own.
import { type ActFilter, type KeptAct, listActs } from '../db/audit.ts';
import {
  countJobs,
  type DeadLetter,
  enqueue,
  type JobStatus,
  jobStatuses,
  listDeadLetters,
  oldestDueSeconds,
  replayDeadLetters,
  setPaused,
} from '../db/jobs/index.ts';
import type { Pool, Queries, Reader } from '../db/pool.ts';
import { type Figure, readSeries, type SeriesFilter } from '../db/reads/index.ts';
import {
  recentDeliveries,
  resumeWebhook,
  type WebhookOverview,
  webhookOverviews,
} from '../db/webhooks/index.ts';
import type { JobName } from '../domain/jobs.ts';
import type { Page } from '../domain/page.ts';
import type { Delivery } from '../domain/webhook.ts';
import { createLimitRepository, type LimitRepository } from './limits.ts';
import {
  createRecoveryLists,
  createRecoveryRepository,
  type RecoveryLists,
  type RecoveryRepository,
} from './recovery.ts';

/** Jobs as ops see them. */
export interface JobStates {
  statuses(): Promise<JobStatus[]>;
  /** How many runs of each job wait, and how many are dead letters. */
  counts(): ReturnType<typeof countJobs>;
  /** How long the oldest row of a job that is not paused has been due, in seconds. */
  oldestDueSeconds(): Promise<number>;
}

/** Jobs as ops see and change them. */
export interface JobRepository extends JobStates {
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

/** Webhooks of all owners, without their secrets. */
export interface WebhookReads {
  /** Those whose events wait longest first; or the one with this id. */
  overviews(id: string | undefined, atMost: number): Promise<WebhookOverview[]>;
  /** The newest first. */
  deliveries(id: string, atMost: number): Promise<Delivery[]>;
}

/** The same, and what operators do to them. */
export interface AdminWebhooks extends WebhookReads {
  /** Lets one go on that is paused; false where there is none. */
  resume(id: string): Promise<boolean>;
}

/** What shows how ppuri is. */
export interface AdminReads {
  readonly jobs: JobStates;
  readonly audit: AuditRepository;
  readonly statistics: StatisticsRepository;
  readonly recovery: RecoveryLists;
  readonly webhooks: WebhookReads;
}

/** The repositories of admin.v1. */
export interface AdminRepositories extends AdminReads {
  readonly jobs: JobRepository;
  readonly recovery: RecoveryRepository;
  readonly limits: LimitRepository;
  readonly webhooks: AdminWebhooks;
  /**
   * Runs many reads over one connection, which is sent all of them at once: the time of a round trip, where the few
   * connections of admin.v1 would take turns.
   */
  readTogether<T>(work: (reads: AdminReads) => Promise<T>): Promise<T>;
}

function createAdminReads(db: Queries & Reader): AdminReads {
  return {
    jobs: {
      statuses: () => jobStatuses(db),
      counts: () => countJobs(db),
      oldestDueSeconds: () => oldestDueSeconds(db),
    },
    audit: { list: (filter, after, size) => listActs(db, filter, after, size) },
    statistics: { series: (filter, limit) => readSeries(db, filter, limit) },
    recovery: createRecoveryLists(db),
    webhooks: {
      overviews: (id, atMost) => webhookOverviews(db, id, atMost),
      deliveries: (id, atMost) => recentDeliveries(db, id, atMost),
    },
  };
}

export function createAdminRepositories(
  pool: Pool,
  { limitsTimeZone }: { readonly limitsTimeZone: string },
): AdminRepositories {
  const reads = createAdminReads(pool);
  return {
    ...reads,
    readTogether: async (work) => {
      const client = await pool.connect();
      let failure: Error | undefined;
      try {
        return await work(createAdminReads(client));
      } catch (error) {
        // Other reads may still be under way on it.
        failure = error instanceof Error ? error : new Error(String(error));
        throw error;
      } finally {
        client.release(failure);
      }
    },
    jobs: {
      ...reads.jobs,
      deadLetters: (job) => listDeadLetters(pool, job),
      setPaused: (job, isPaused) => setPaused(pool, job, isPaused),
      replay: (ids) => replayDeadLetters(pool, ids),
      run: (job) => enqueue(pool, job, {}),
    },
    webhooks: { ...reads.webhooks, resume: (id) => resumeWebhook(pool, id) },
    recovery: createRecoveryRepository(pool),
    limits: createLimitRepository(pool, limitsTimeZone),
  };
}
