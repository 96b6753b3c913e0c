// The jobs of a worker: what each name of the table (src/domain/jobs.ts) does. purge.ts has those that delete; every other
// job has a file of its own.
import type { Pool } from '../../db/pool.ts';
import type { Execute } from '../../domain/batch/command.ts';
import { SPRINKLE_LOOKUP_MS } from '../../domain/sprinkle.ts';
import type { JobObserver, Jobs } from '../job.ts';
import { aggregateStatistics } from './aggregate-statistics.ts';
import { tellExpiringKeys } from './announce-expiring-keys.ts';
import { archiveTransfers } from './archive-transfers.ts';
import { partitionsAhead } from './partitions-ahead.ts';
import {
  purgeEndedKeys,
  purgeExpired,
  purgeOldDeliveries,
  purgeOldDrafts,
  purgeOldEvents,
  purgeOldSprinkles,
} from './purge.ts';
import { reconcileLedger } from './reconcile-ledger.ts';
import { refundJobs } from './refunds.ts';
import { requestDailyRun } from './request-run.ts';
import { runPayout } from './run-payout.ts';

/** Partitions of transfers are made for this many months ahead. */
const MONTHS_AHEAD = 12;
const DAY_MS = 24 * 60 * 60_000;

/** The settings of jobs; 0 days keeps things for good. */
export interface JobSettings {
  readonly archiveAfterMonths: number;
  readonly purgeDraftsAfterDays: number;
  readonly purgeKeysAfterDays: number;
}

/** What jobs work with. */
export interface JobTools {
  readonly pool: Pool;
  readonly execute: Execute;
  readonly observer: JobObserver;
  /** For the two jobs on the database itself whose statements may take long. */
  readonly slow: Pool;
  /** For archiving: the database, and the archive where there is one. */
  readonly live: Pool;
  readonly archive: Pool | undefined;
}

/** Every job, ready to run. */
export function createJobs(settings: JobSettings, tools: JobTools): Jobs {
  const { pool, execute, observer, slow, live, archive } = tools;
  return {
    ...refundJobs({ pool, execute, observer }),
    'run-payout': runPayout({ pool, execute }),
    'purge-sprinkles': purgeOldSprinkles(pool, SPRINKLE_LOOKUP_MS),
    'purge-expired': purgeExpired(pool),
    'purge-payout-drafts': purgeOldDrafts(pool, msOf(settings.purgeDraftsAfterDays)),
    'purge-events': purgeOldEvents(pool),
    'purge-webhooks': purgeOldDeliveries(pool),
    'announce-expiring-keys': tellExpiringKeys(pool),
    'purge-keys': purgeEndedKeys(pool, msOf(settings.purgeKeysAfterDays)),
    'partitions-ahead': partitionsAhead(pool, MONTHS_AHEAD),
    'reconcile-ledger': reconcileLedger(slow, observer),
    'aggregate-statistics': aggregateStatistics(slow),
    'take-backup': requestDailyRun(pool, 'backup'),
    'restore-drill': requestDailyRun(pool, 'drill'),
    'archive-transfers': archiveTransfers({ live, archive, afterMonths: settings.archiveAfterMonths }),
  };
}

function msOf(days: number): number | undefined {
  return days === 0 ? undefined : days * DAY_MS;
}
