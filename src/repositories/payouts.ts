// Payouts and their lines, from the primary: their owners follow them while they are paid.
import {
  failedLines,
  findPayout,
  findPayouts,
  type OpenDraft,
  type PayoutView,
  withDraft,
} from '../db/payouts/index.ts';
import { isFurther, type Payout, type PayoutLine } from '../domain/payout.ts';
import { createPoller, type NewsOrQuiet, QUIET } from '../resilience/index.ts';
import type { ReadSources } from './sources.ts';

/** Poll interval in milliseconds. */
const POLL_AFTER_MS = 500;

/** Reads payouts. Everything throws what Postgres does. */
export interface PayoutRepository {
  find(id: string): Promise<PayoutView | undefined>;
  /** The first `count` lines behind a line that are not paid for a reason. */
  failedLines(id: string, afterLine: number, count: number): Promise<PayoutLine[]>;
  /**
   * A payout as it is once it is further than the one that was shown, half a second later at most; QUIET where it does not get
   * there within `quietMs` milliseconds, and undefined where it is gone. All who wait share one poll. Rejects with the signal's
   * reason once that is aborted.
   */
  next(shown: Payout, quietMs: number, signal: AbortSignal): Promise<NewsOrQuiet<Payout | undefined>>;
  /** Locks a user's payout while `work` adds lines to it; undefined when the user has no such payout. */
  withDraft<T>(userId: bigint, id: string, work: (draft: OpenDraft) => Promise<T>): Promise<T | undefined>;
}

export function createPayoutRepository({ primary }: Pick<ReadSources, 'primary'>): PayoutRepository {
  const poller = createPoller(POLL_AFTER_MS, async (shown: readonly Payout[]) => {
    const found = await findPayouts(primary, [...new Set(shown.map(({ id }) => id))]);
    return shown.map((one) => {
      const payout = found.get(one.id);
      return payout && !isFurther(payout, one) ? QUIET : payout;
    });
  });
  return {
    find: (id) => findPayout(primary, id),
    failedLines: (id, afterLine, count) => failedLines(primary, id, afterLine, count),
    next: poller.next,
    withDraft: (userId, id, work) => withDraft(primary, userId, id, work),
  };
}
