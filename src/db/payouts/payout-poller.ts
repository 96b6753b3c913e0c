// Polls payouts that somebody watches: one statement for all of them, however many watch.
import type { Payout } from '../../domain/payout.ts';
import type { Reader } from '../pool.ts';
import { findPayouts } from './lines.ts';

/** Poll interval in milliseconds, counted from the first waiter. */
const POLL_AFTER_MS = 500;

/** Tells watchers how their payouts stand. */
export interface PayoutPoller {
  /**
   * A payout as the next poll finds it, half a second from now at most; undefined where there is none by that id. All who
   * wait share the poll. Rejects with the signal's reason once that is aborted, and where the poll fails.
   */
  next(payoutId: string, signal: AbortSignal): Promise<Payout | undefined>;
}

interface Watcher {
  readonly payoutId: string;
  resolve(payout: Payout | undefined): void;
  reject(error: unknown): void;
}

/**
 * Polls only while somebody waits. Telling processes of each payment over Redis or NOTIFY instead would cost the payments
 * something, and be right only where nothing is lost; this costs two short statements a second in each process, and nothing
 * of it grows with the watchers but the list of ids.
 */
export function createPayoutPoller(db: Reader): PayoutPoller {
  let watchers = new Set<Watcher>();
  let timer: NodeJS.Timeout | undefined;
  const poll = async () => {
    const polled = watchers;
    watchers = new Set();
    timer = undefined;
    try {
      const found = await findPayouts(db, [...new Set([...polled].map(({ payoutId }) => payoutId))]);
      for (const { payoutId, resolve } of polled) resolve(found.get(payoutId));
    } catch (error) {
      for (const { reject } of polled) reject(error);
    }
  };
  const next: PayoutPoller['next'] = async (payoutId, signal) => {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Payout | undefined>();
    const watcher = { payoutId, resolve, reject };
    const leave = () => {
      watchers.delete(watcher);
      if (watchers.size === 0) {
        clearTimeout(timer);
        timer = undefined;
      }
      reject(signal.reason);
    };
    watchers.add(watcher);
    timer ??= setTimeout(poll, POLL_AFTER_MS);
    signal.addEventListener('abort', leave, { once: true });
    return promise.finally(() => signal.removeEventListener('abort', leave));
  };
  return { next };
}
