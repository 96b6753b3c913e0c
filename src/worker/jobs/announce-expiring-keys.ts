// Tells in the feed which API keys are about to expire. The database knows which it has told.
import { announceExpiringKeys } from '../../db/feed/index.ts';
import type { Pool } from '../../db/pool.ts';
import type { Job } from '../job.ts';

/** Each key is announced once, 14 days before its end or, where it was made for less, on its first day. */
export function tellExpiringKeys(pool: Pool): Job {
  return { run: async () => ({ announced: await announceExpiringKeys(pool) }) };
}
