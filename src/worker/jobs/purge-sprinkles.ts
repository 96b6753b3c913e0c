// Deletes sprinkles that nobody can read any more: who claimed what of whom in which room. Their money stays in the ledger.
import { purgeSprinkles } from '../../db/jobs/index.ts';
import type { Pool } from '../../db/pool.ts';
import type { Job } from '../job.ts';
import { purgeInChunks } from './purge-in-chunks.ts';

const CHUNK = 1_000;

/** A sprinkle that is not closed yet is kept, however old it is. */
export function purgeOldSprinkles(pool: Pool, lookupMs: number): Job {
  return {
    async run(_data, stopping) {
      const purge = (atMost: number) => purgeSprinkles(pool, lookupMs, atMost);
      return { purged: await purgeInChunks(CHUNK, purge, stopping) };
    },
  };
}
