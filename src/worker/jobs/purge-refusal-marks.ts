// Deletes the marks of refusals once no attempt can be on its way that they would have to meet. Answers are kept for good.
import { purgeRefusalMarks } from '../../db/jobs/index.ts';
import type { Pool } from '../../db/pool.ts';
import type { Job } from '../job.ts';

const CHUNK = 5_000;

/** How old a mark must be is said by the database's function. */
export function purgeOldMarks(pool: Pool): Job {
  return {
    async run(_data, stopping) {
      let purged = 0;
      for (let gone = CHUNK; gone === CHUNK && !stopping.aborted; purged += gone) {
        gone = await purgeRefusalMarks(pool, CHUNK);
      }
      return { purged };
    },
  };
}
