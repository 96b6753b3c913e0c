// How tests wait for what they can see: they ask until it is so.
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

/** The pause before the second question, and the longest one: who waits for long need not know at once. */
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [10, 100];
/** Longer than anything takes on a busy machine. A test that promises a time says its own. */
const WITHIN_MS = 30_000;

/** Asks until the answer is neither false nor undefined, and returns it. Throws when there is none in time. */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  withinMs = WITHIN_MS,
): Promise<Exclude<T, false | undefined>> {
  const giveUpAt = performance.now() + withinMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(1.2 * pauseMs, LONGEST_PAUSE_MS)) {
    const answer = await ask();
    if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>;
    if (performance.now() > giveUpAt) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(pauseMs);
  }
}

/** Waits until so many statements that contain these words wait for a lock in a database. */
export function untilLocked(db: pg.Pool, count = 1, words = ''): Promise<boolean> {
  const text = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
    AND strpos(query, $1) > 0`;
  return until('statements wait for a lock', async () => {
    const { rowCount } = await db.query(text, [words]);
    return (rowCount ?? 0) >= count;
  });
}
