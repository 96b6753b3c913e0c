// Deletes API keys that ended long ago, where ops want that. Nonces end by themselves in Redis; idempotency keys never do.
import { purgeApiKeys } from '../../db/jobs/index.ts';
import type { Pool } from '../../db/pool.ts';
import type { Job } from '../job.ts';

/** Keeps all keys where no time is set. */
export function purgeEndedKeys(pool: Pool, afterMs: number | undefined): Job {
  return { run: async () => ({ purged: afterMs === undefined ? 0 : await purgeApiKeys(pool, afterMs) }) };
}
