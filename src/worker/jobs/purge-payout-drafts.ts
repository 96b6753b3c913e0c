// Deletes drafts of payouts that were never started; no money was ever in them.
import { purgePayoutDrafts } from '../../db/jobs/index.ts';
import type { Pool } from '../../db/pool.ts';
import type { Job } from '../job.ts';
import { purgeInChunks } from './purge-in-chunks.ts';

/** A draft has up to 100,000 lines, which go with it in one statement. */
const CHUNK = 10;

/** @param keptMs How long drafts are kept after they were made, in milliseconds; for good when undefined. */
export function purgeOldDrafts(pool: Pool, keptMs: number | undefined): Job {
  return {
    async run(_data, stopping) {
      if (keptMs === undefined) return { purged: 0 };
      const purge = (atMost: number) => purgePayoutDrafts(pool, keptMs, atMost);
      return { purged: await purgeInChunks(CHUNK, purge, stopping) };
    },
  };
}
