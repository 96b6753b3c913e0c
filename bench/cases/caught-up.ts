// Waits for a worker that seals the feed and keeps the log.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from './case.ts';

const POLL_MS = 100;

/** Waits until everything that was posted is in the log. */
export async function caughtUp({ stack: { database } }: Bench): Promise<void> {
  for (;;) {
    const [row] = await database.rows<{ is_behind: boolean }>(
      `SELECT size < (SELECT leaves FROM feed_end) OR oldest_unsealed() IS NOT NULL AS is_behind FROM transparency_log`,
    );
    if (row?.is_behind === false) return;
    await sleep(POLL_MS);
  }
}
