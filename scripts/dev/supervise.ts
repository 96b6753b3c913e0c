// Starts a program of the stack again when it dies.
import { setTimeout as sleep } from 'node:timers/promises';

/** What can die and be started again. */
export interface Runnable {
  /** Resolves when it has ended, with a few words about how. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
  kill(): void;
}

/** A program that is kept running until it is stopped. */
export interface Supervised<T extends Runnable> {
  /** As it ran first; a later one listens in the same places. */
  readonly first: T;
  stop(): Promise<void>;
  kill(): void;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** Who has run this long has recovered, and the next pause is a short one again. */
const RECOVERED_MS = 30_000;

/** Starts the program, and again whenever it dies, after a pause that grows. Rejects when the first start fails. */
export async function supervise<T extends Runnable>(
  name: string,
  start: () => Promise<T>,
  log: (line: string) => void,
): Promise<Supervised<T>> {
  const first = await start();
  const stopped = new AbortController();
  let current: T | undefined = first;

  const watch = async () => {
    let pauseMs = FIRST_PAUSE_MS;
    let reason = '';
    while (!stopped.signal.aborted) {
      if (current) {
        const since = Date.now();
        reason = await current.ended;
        current = undefined;
        if (Date.now() - since > RECOVERED_MS) pauseMs = FIRST_PAUSE_MS;
      }
      if (stopped.signal.aborted) return;
      log(`${name} is gone (${reason}); starting it again in ${pauseMs / 1000} s`);
      await sleep(pauseMs, undefined, { signal: stopped.signal }).catch(() => {});
      if (stopped.signal.aborted) return;
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      current = await start().catch((error: Error) => {
        reason = error.message;
        return undefined;
      });
      if (current) log(`${name} is back`);
    }
  };
  const watching = watch();

  return {
    first,
    stop: async () => {
      stopped.abort();
      await current?.stop();
      await watching;
      // It may have been on its way up when it was stopped.
      await current?.stop();
    },
    kill: () => current?.kill(),
  };
}
