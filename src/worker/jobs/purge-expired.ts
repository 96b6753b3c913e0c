// Deletes what Postgres keeps against late attempts, once none can come: marks of refusals, and nonces of signatures.
import { purgeNonces, purgeRefusalMarks } from '../../db/jobs/index.ts';
import type { Pool } from '../../db/pool.ts';
import type { Job } from '../job.ts';
import { purgeInChunks } from './purge-in-chunks.ts';

const CHUNK = 5_000;

/** The database's functions say when a mark may go (after an hour), and each nonce says it itself. Answers stay for good. */
export function purgeExpired(pool: Pool): Job {
  return {
    run: async (_data, stopping) => ({
      marks: await purgeInChunks(CHUNK, (atMost) => purgeRefusalMarks(pool, atMost), stopping),
      nonces: await purgeInChunks(CHUNK, (atMost) => purgeNonces(pool, atMost), stopping),
    }),
  };
}
