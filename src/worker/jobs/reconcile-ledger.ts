// Reconciles the ledger: accounts with their transfers, currencies with zero, pots with their shares.
import { reconcile } from '../../db/jobs/index.ts';
import type { Pool } from '../../db/pool.ts';
import type { Job, JobObserver } from '../job.ts';

/** Reports what is wrong and repairs nothing: only people who know the reason move money. */
export function reconcileLedger(pool: Pool, observer: Pick<JobObserver, 'reconciled'>): Job {
  return {
    async run() {
      const { transfers, faults } = await reconcile(pool);
      observer.reconciled(transfers, faults);
      return { transfers, faults: faults.length };
    },
  };
}
