// Restarts a program of the stack when it ends.
import { setTimeout as sleep } from 'node:timers/promises';

/** A program that can be started again. */
export interface Runnable {
  /** Resolves when it has ended, with the reason as text. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
  kill(): void;
}

/** A program that is kept running until it is stopped. */
export interface Supervised<T extends Runnable> {
  /** The first run; later ones listen on the same ports. */
  readonly first: T;
  stop(): Promise<void>;
  kill(): void;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** After this time of running, the next pause is short again. */
const RECOVERED_MS = 30_000;

/** Starts the program, and restarts it after growing pauses. Rejects when the first start fails. */
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
      // A restart may have been under way.
      await current?.stop();
    },
    kill: () => current?.kill(),
  };
}
