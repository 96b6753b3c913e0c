// Asks for the backup and the drill of the day. The worker that is set up for them does them, whichever worker runs this.
import type { Pool } from '../../db/pool.ts';
import { requestRun } from '../../db/recovery/index.ts';
import { BY_SCHEDULE, type RunKind } from '../../domain/recovery.ts';
import type { Job } from '../job.ts';

/** Queues a run; does nothing where one is under way, or no worker has been set up for it within a day. */
export function requestDailyRun(pool: Pool, kind: RunKind): Job {
  return {
    async run() {
      const result = await requestRun(pool, {
        kind,
        isFull: false,
        requestedBy: BY_SCHEDULE,
        key: undefined,
      });
      return result.kind === 'accepted' ? { requested: result.runId } : { skipped: result.kind };
    },
  };
}
