// Holds the ledger against itself: accounts against their transfers, currencies against zero, pots against shares.
import { reconcile } from '../../db/jobs/index.ts';
import type { Pool } from '../../db/pool.ts';
import type { Job, JobObserver } from '../job.ts';

/** What is wrong is told, not mended: money is moved by people who know why. */
export function reconcileLedger(pool: Pool, observer: Pick<JobObserver, 'reconciled'>): Job {
  return {
    async run() {
      const { transfers, faults } = await reconcile(pool);
      observer.reconciled(transfers, faults);
      return { transfers, faults: faults.length };
    },
  };
}
