// Looks after payouts that somebody watches: one statement for all of them, however many watch.
import type { Payout } from '../../domain/payout.ts';
import type { Reader } from '../pool.ts';
import { findPayouts } from './lines.ts';

/** How long after somebody begins to wait it is looked, in milliseconds. */
const LOOK_AFTER_MS = 500;

/** What is told to those who watch. */
export interface Lookout {
  /**
   * A payout as the next look finds it, half a second from now at most; undefined where there is none by that id. All who
   * wait share the look. Rejects with the signal's reason once that is aborted, and where the look fails.
   */
  next(payoutId: string, isOver: AbortSignal): Promise<Payout | undefined>;
}

/** Somebody who waits. */
interface Watcher {
  readonly payoutId: string;
  told(payout: Payout | undefined): void;
  failed(error: unknown): void;
}

/**
 * Looks only while somebody waits. Telling processes of each payment over Redis or NOTIFY instead would cost the payments
 * something, and be right only where nothing is lost; this costs two short statements a second a process, and nothing of
 * it grows with the watchers but the list of ids.
 */
export function openLookout(db: Reader): Lookout {
  let watchers = new Set<Watcher>();
  let timer: NodeJS.Timeout | undefined;
  const look = async () => {
    const asking = watchers;
    watchers = new Set();
    timer = undefined;
    try {
      const found = await findPayouts(db, [...new Set([...asking].map(({ payoutId }) => payoutId))]);
      for (const { payoutId, told } of asking) told(found.get(payoutId));
    } catch (error) {
      for (const { failed } of asking) failed(error);
    }
  };
  const next: Lookout['next'] = async (payoutId, isOver) => {
    isOver.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Payout | undefined>();
    const watcher = { payoutId, told: resolve, failed: reject };
    const leave = () => {
      watchers.delete(watcher);
      if (watchers.size === 0) {
        clearTimeout(timer);
        timer = undefined;
      }
      reject(isOver.reason);
    };
    watchers.add(watcher);
    timer ??= setTimeout(look, LOOK_AFTER_MS);
    isOver.addEventListener('abort', leave, { once: true });
    return promise.finally(() => isOver.removeEventListener('abort', leave));
  };
  return { next };
}
