// Makes the partitions of transfers for the months to come.
import { ensurePartitions } from '../../db/jobs/index.ts';
import type { Pool } from '../../db/pool.ts';
import type { Job } from '../job.ts';

/** Months that have a partition already are left alone. */
export function partitionsAhead(pool: Pool, monthsAhead: number): Job {
  return {
    async run() {
      await ensurePartitions(pool, monthsAhead);
      return { monthsAhead };
    },
  };
}
