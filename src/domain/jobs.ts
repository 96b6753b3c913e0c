// The table of background jobs: name, purpose, schedule and retries.
import type { Micros } from './time.ts';
import type { TraceContext } from './trace-context.ts';

/** The definition of a job. */
export interface JobEntry {
  /** Its purpose, for operators. */
  readonly about: string;
  /** Its interval in milliseconds, or a cron pattern in UTC; undefined for jobs that only run on request. */
  readonly schedule: { readonly everyMs: number } | { readonly pattern: string } | undefined;
  /**
   * How many attempts it has before it becomes a dead letter. 1 is for work that the next run finds again by itself: it
   * leaves no dead letter.
   */
  readonly attempts: number;
  /** How many of it one worker runs concurrently. */
  readonly concurrency: number;
}

const SECOND_MS = 1000;

/** Every job. */
const JOBS = {
  'expire-sprinkles': {
    about: 'pays back what is left of sprinkles whose time is over',
    schedule: { everyMs: SECOND_MS },
    attempts: 1,
    concurrency: 2,
  },
  'refund-sprinkle': {
    about: 'pays back one sprinkle whose refund failed among others',
    schedule: undefined,
    attempts: 8,
    concurrency: 2,
  },
  'expire-holds': {
    about: 'gives back what is left of holds and gifts whose time is over',
    schedule: { everyMs: SECOND_MS },
    attempts: 1,
    concurrency: 2,
  },
  'expire-hold': {
    about: 'gives back what is left of one hold or gift whose expiry failed among others',
    schedule: undefined,
    attempts: 8,
    concurrency: 2,
  },
  'run-payout': {
    about: 'pays the lines of a payout that was started',
    schedule: undefined,
    attempts: 8,
    concurrency: 4,
  },
  'purge-sprinkles': {
    about: 'deletes sprinkles that their creators cannot look up any more; the ledger keeps what they moved',
    schedule: { pattern: '0 20 * * * *' },
    attempts: 5,
    concurrency: 1,
  },
  'purge-payout-drafts': {
    about: 'deletes drafts of payouts that were made PURGE_PAYOUT_DRAFTS_AFTER_DAYS ago and never started',
    schedule: { pattern: '0 15 3 * * *' },
    attempts: 5,
    concurrency: 1,
  },
  'purge-expired': {
    about:
      'deletes marks of refusals and nonces that no late attempt can meet any more; answers are kept for good',
    schedule: { pattern: '0 40 * * * *' },
    attempts: 5,
    concurrency: 1,
  },
  'purge-webhooks': {
    about: 'deletes deliveries of webhooks that are older than 30 days, and what deleted webhooks left',
    schedule: { pattern: '0 50 * * * *' },
    attempts: 5,
    concurrency: 1,
  },
  'purge-events': {
    about: 'forgets events that are 30 days old; transfers and their order are kept for good',
    schedule: { pattern: '0 25 3 * * *' },
    attempts: 5,
    concurrency: 1,
  },
  'announce-expiring-keys': {
    about: 'tells in the feed which API keys expire within 14 days and are not replaced yet',
    schedule: { pattern: '0 0 0 * * *' },
    attempts: 5,
    concurrency: 1,
  },
  'purge-keys': {
    about: 'deletes API keys that ended long ago, where PURGE_API_KEYS_AFTER_DAYS says so',
    schedule: { pattern: '0 10 3 * * *' },
    attempts: 5,
    concurrency: 1,
  },
  'partitions-ahead': {
    about: 'makes the partitions of transfers for the months to come',
    schedule: { pattern: '0 0 2 * * *' },
    attempts: 5,
    concurrency: 1,
  },
  'reconcile-ledger': {
    about: 'holds accounts against their transfers, currencies against zero, and pots against their shares',
    schedule: { pattern: '0 30 2 * * *' },
    attempts: 5,
    concurrency: 1,
  },
  'archive-transfers': {
    about: 'moves months of transfers that ended ARCHIVE_AFTER_MONTHS ago to the archive database',
    schedule: { pattern: '0 0 4 * * *' },
    attempts: 5,
    concurrency: 1,
  },
  'take-backup': {
    about: 'asks the worker that has BACKUP_COMMAND for the backup of the day',
    schedule: { pattern: '0 0 1 * * *' },
    attempts: 1,
    concurrency: 1,
  },
  'restore-drill': {
    about: 'asks the worker that has DRILL_COMMAND to restore the real backups into a throw-away folder',
    schedule: { pattern: '0 30 4 * * *' },
    attempts: 1,
    concurrency: 1,
  },
  'aggregate-statistics': {
    about: 'works out the figures of hours and days that are over',
    schedule: { pattern: '0 5 * * * *' },
    attempts: 5,
    concurrency: 1,
  },
} as const satisfies Record<string, JobEntry>;

/** The name of a job. */
export type JobName = keyof typeof JOBS;

/** Every job's name. */
export const JOB_NAMES = Object.keys(JOBS) as readonly JobName[];

/** The definition of a job, typed the same for all of them. */
export function jobEntry(name: JobName): JobEntry {
  return JOBS[name];
}

/** The data of a job. It must be small, because the queue copies it. */
export type JobData = Readonly<Record<string, string | number>>;

/** A job that is enqueued together with the transaction that asks for it. */
export interface NewJob {
  readonly job: JobName;
  readonly data: JobData;
  /** When it runs at the earliest. */
  readonly runAt: Micros;
  /** The trace of the call that asks for it; of several calls, of the first. */
  readonly trace?: TraceContext | undefined;
}
