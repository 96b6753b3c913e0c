// Makes the partition of a month that transfers turned out to need: no money moves in a month without one.
import { ensurePartitions } from '../db/jobs/index.ts';
import type { Pool } from '../db/pool.ts';
import { errorText } from '../domain/error-fields.ts';
import type { Logs } from './logs.ts';

/** This month and the next, in which a transfer may be dated shortly before it begins; the rest is a worker's work. */
const MONTHS_AHEAD = 1;
/** How long after an attempt the next one may be made, in milliseconds. */
const AGAIN_AFTER_MS = 1_000;

/** Returns a function for months that have no partition: it logs the month and creates the partition, one attempt at a time. */
export function createMonthOpener(pool: Pool, { app }: Pick<Logs, 'app'>): (month: string) => void {
  let mayTryAt = 0;
  const open = async (month: string) => {
    try {
      await ensurePartitions(pool, MONTHS_AHEAD);
      app.warn(
        { month },
        'made the partition that transfers of this month lacked; see why partitions-ahead did not',
      );
    } catch (error) {
      app.error(
        { month, reason: errorText(error) },
        'transfers of this month have no partition, so no money moves: run SELECT open_transfer_months(12) as ppuri_app or ppuri_worker',
      );
    }
    mayTryAt = performance.now() + AGAIN_AFTER_MS;
  };
  return (month) => {
    if (performance.now() < mayTryAt) return;
    mayTryAt = Number.POSITIVE_INFINITY;
    void open(month);
  };
}
