// Deletes drafts of payouts that were never started; no money was ever in them.
import { purgePayoutDrafts } from '../../db/jobs/index.ts';
import type { Pool } from '../../db/pool.ts';
import type { Job } from '../job.ts';

/** A draft has up to 100,000 lines, which go with it in one statement. */
const CHUNK = 10;

/** Drafts are kept for so long after they were made, in milliseconds; for good when undefined. */
export function purgePayoutDraftsJob(pool: Pool, keptMs: number | undefined): Job {
  return {
    async run(_data, stopping) {
      if (keptMs === undefined) return { purged: 0 };
      let purged = 0;
      for (let gone = CHUNK; gone === CHUNK && !stopping.aborted; purged += gone) {
        gone = await purgePayoutDrafts(pool, keptMs, CHUNK);
      }
      return { purged };
    },
  };
}
