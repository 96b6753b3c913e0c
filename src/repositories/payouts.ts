// Payouts and their lines, from the primary: their owners follow them while they are paid.
import { type OpenDraft, withDraft } from '../db/payouts/append-lines.ts';
import { failedLines, findPayout, type PayoutView } from '../db/payouts/lines.ts';
import { createPayoutPoller } from '../db/payouts/payout-poller.ts';
import type { Payout, PayoutLine } from '../domain/payout.ts';
import type { ReadSources } from './sources.ts';

/** Reads payouts. Everything throws what Postgres does. */
export interface PayoutRepository {
  find(id: string): Promise<PayoutView | undefined>;
  /** The first `count` lines behind a line that are not paid for a reason. */
  failedLines(id: string, afterLine: number, count: number): Promise<PayoutLine[]>;
  /**
   * A payout as the next poll finds it, half a second from now at most; undefined where there is none. All who wait share
   * the poll. Rejects with the signal's reason once that is aborted.
   */
  next(id: string, signal: AbortSignal): Promise<Payout | undefined>;
  /** Locks a user's payout while `work` adds lines to it; undefined when the user has no such payout. */
  withDraft<T>(userId: bigint, id: string, work: (draft: OpenDraft) => Promise<T>): Promise<T | undefined>;
}

export function createPayoutRepository({ primary }: Pick<ReadSources, 'primary'>): PayoutRepository {
  const poller = createPayoutPoller(primary);
  return {
    find: (id) => findPayout(primary, id),
    failedLines: (id, afterLine, count) => failedLines(primary, id, afterLine, count),
    next: poller.next,
    withDraft: (userId, id, work) => withDraft(primary, userId, id, work),
  };
}
