// Whether a pool of connections gets responses: a connection of its own would not see what calls see.
import type { Pool } from 'pg';
import { isUnreachable, PostgresAwayError } from './pool.ts';
import { SILENCE_MS } from './timeouts.ts';

/** How long a connection of a suspected pool has to respond. */
const ANSWERS_WITHIN_MS = 1_000;

/** A pool whose answers are watched. */
export interface PoolPulse {
  /**
   * Does nothing for a pool that is idle or has answered lately. Otherwise it asks over one of the pool's connections, and
   * rejects when none answers in time.
   */
  check(): Promise<void>;
}

/** Begins to watch a pool; the name says which one it is in errors. */
export function createPoolPulse(pool: Pool, name: string): PoolPulse {
  let inUse = 0;
  let inUseSince = 0;
  let answeredAt = performance.now();
  let isDoubted = false;
  pool.on('acquire', () => {
    if (inUse === 0) inUseSince = performance.now();
    inUse += 1;
  });
  pool.on('release', (error) => {
    inUse -= 1;
    isDoubted = isUnreachable(error);
    if (!isDoubted) answeredAt = performance.now();
  });
  return {
    check: async () => {
      const silentMs = performance.now() - Math.max(answeredAt, inUseSince);
      if (!isDoubted && (inUse === 0 || silentMs < SILENCE_MS)) return;
      const late = new PostgresAwayError(`no connection of the pool ${name} answers`);
      let timer: NodeJS.Timeout | undefined;
      const isLate = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(late), ANSWERS_WITHIN_MS);
      });
      const asked = pool.query({ text: 'SELECT 1', query_timeout: ANSWERS_WITHIN_MS } as { text: string });
      await Promise.race([asked, isLate]).finally(() => clearTimeout(timer));
    },
  };
}
