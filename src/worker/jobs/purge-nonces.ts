// Deletes the nonces that Postgres keeps, once no signature can bring them any more.
import { purgeNonces } from '../../db/jobs/index.ts';
import type { Pool } from '../../db/pool.ts';
import type { Job } from '../job.ts';

const CHUNK = 5_000;

/** When a nonce may go is said by its row. */
export function purgeUsedNonces(pool: Pool): Job {
  return {
    async run(_data, stopping) {
      let purged = 0;
      for (let gone = CHUNK; gone === CHUNK && !stopping.aborted; purged += gone) {
        gone = await purgeNonces(pool, CHUNK);
      }
      return { purged };
    },
  };
}
