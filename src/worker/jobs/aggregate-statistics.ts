// Computes the statistics of every hour and day that is over.
import { missingPeriods, purgeSamples, storeStatistics } from '../../db/jobs/index.ts';
import type { Pool } from '../../db/pool.ts';
import { PERIODS } from '../../domain/statistics.ts';
import type { Job } from '../job.ts';

/** Samples are of use until their day is worked out; the days more are for ops to look at. */
const KEEP_SAMPLES_DAYS = 7;

/** Also computes all hours and days that earlier runs missed. */
export function aggregateStatistics(pool: Pool): Job {
  return {
    async run(_data, stopping) {
      const done = { hour: 0, day: 0 };
      for (const period of PERIODS) {
        for (const past of await missingPeriods(pool, period)) {
          if (stopping.aborted) return done;
          await storeStatistics(pool, period, past);
          done[period] += 1;
        }
      }
      await purgeSamples(pool, KEEP_SAMPLES_DAYS);
      return done;
    },
  };
}
