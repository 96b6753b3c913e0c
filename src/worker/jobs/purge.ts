// Deletes what nobody may need any more, in small transactions, so that no lock is held for long and a worker that stops can
// stop in between. The functions of the database check once more what may go.
import { purgeEvents } from '../../db/feed/index.ts';
import {
  purgeApiKeys,
  purgeNonces,
  purgePayoutDrafts,
  purgeRefusalMarks,
  purgeSprinkles,
} from '../../db/jobs/index.ts';
import type { Pool } from '../../db/pool.ts';
import { purgeWebhooks } from '../../db/webhooks/index.ts';
import type { Job } from '../job.ts';

/** Rows that a statement deletes. A draft has up to 100,000 lines, which go with it in one statement. */
const CHUNK = { marks: 5_000, nonces: 5_000, sprinkles: 1_000, drafts: 10, events: 5_000, deliveries: 5_000 };

/**
 * Marks of refusals and nonces, once no attempt that they are for can arrive any more: a mark after an hour, a nonce when its
 * signature has expired. Answers under idempotency keys stay for good.
 */
export function purgeExpired(pool: Pool): Job {
  return {
    run: async (_data, stopping) => ({
      marks: await inChunks(CHUNK.marks, (atMost) => purgeRefusalMarks(pool, atMost), stopping),
      nonces: await inChunks(CHUNK.nonces, (atMost) => purgeNonces(pool, atMost), stopping),
    }),
  };
}

/**
 * Closed sprinkles that nobody can look up any more: who claimed what of whom in which room. Their money stays in the ledger.
 */
export function purgeOldSprinkles(pool: Pool, lookupMs: number): Job {
  return {
    async run(_data, stopping) {
      const purge = (atMost: number) => purgeSprinkles(pool, lookupMs, atMost);
      return { purged: await inChunks(CHUNK.sprinkles, purge, stopping) };
    },
  };
}

/**
 * Drafts of payouts that were never started; no money was ever in them.
 * @param keptMs How long drafts are kept after they were made, in milliseconds; for good when undefined.
 */
export function purgeOldDrafts(pool: Pool, keptMs: number | undefined): Job {
  return {
    async run(_data, stopping) {
      if (keptMs === undefined) return { purged: 0 };
      const purge = (atMost: number) => purgePayoutDrafts(pool, keptMs, atMost);
      return { purged: await inChunks(CHUNK.drafts, purge, stopping) };
    },
  };
}

/** Events that were sealed 30 days ago. */
export function purgeOldEvents(pool: Pool): Job {
  return {
    run: async (_data, stopping) => ({
      purged: await inChunks(CHUNK.events, (atMost) => purgeEvents(pool, atMost), stopping),
    }),
  };
}

/** Deliveries of webhooks that were made 30 days ago, and those of deleted webhooks. */
export function purgeOldDeliveries(pool: Pool): Job {
  return {
    run: async (_data, stopping) => ({
      purged: await inChunks(CHUNK.deliveries, (atMost) => purgeWebhooks(pool, atMost), stopping),
    }),
  };
}

/** API keys that ended `afterMs` milliseconds ago or earlier; none when it is undefined. They are few. */
export function purgeEndedKeys(pool: Pool, afterMs: number | undefined): Job {
  return { run: async () => ({ purged: afterMs === undefined ? 0 : await purgeApiKeys(pool, afterMs) }) };
}

/** Calls `purge` with the size of a chunk until one is not full, or until the worker stops; returns the number of rows. */
async function inChunks(
  chunk: number,
  purge: (atMost: number) => Promise<number>,
  stopping: AbortSignal,
): Promise<number> {
  let purged = 0;
  for (let gone = chunk; gone === chunk && !stopping.aborted; purged += gone) gone = await purge(chunk);
  return purged;
}
