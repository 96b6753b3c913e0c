// Seals the feed: gives what was committed its numbers, five times a second. It is no job of the queue, which would cost Redis and
// Postgres more than the seal itself, and would wait for Redis.
import { setTimeout as sleep } from 'node:timers/promises';
import { sealFeed } from '../../db/feed/index.ts';
import type { Pool } from '../../db/pool.ts';
import type { JobObserver } from '../job.ts';

/** How long it rests between two seals, in milliseconds. */
const SEAL_EVERY_MS = 200;
/** The same while Postgres does not answer. */
const RETRY_MS = 1_000;

/** What it works with: a connection of its own, whose statements may take long after a worker was away. */
export interface SealerTools {
  readonly pool: Pool;
  readonly observer: Pick<JobObserver, 'trouble'>;
}

/** Starts it. Every worker has one; those that come second find nothing to do. Disposing of it waits for the seal under way. */
export function createSealer({ pool, observer }: SealerTools): AsyncDisposable {
  const stopping = new AbortController();
  const pause = (ms: number) => sleep(ms, undefined, { signal: stopping.signal }).catch(() => {});
  const work = async () => {
    while (!stopping.signal.aborted) {
      try {
        await sealFeed(pool);
        await pause(SEAL_EVERY_MS);
      } catch (error) {
        observer.trouble('sealing the feed', error);
        await pause(RETRY_MS);
      }
    }
  };
  const working = work();
  return {
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await working;
    },
  };
}
