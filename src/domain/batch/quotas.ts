// How many wallets and payout drafts the users of a batch have, for their quotas.
import { InvariantError } from '../error-fields.ts';
import { checkQuota, type Quotas } from '../quotas.ts';
import type { BatchContext } from './ledger-batch.ts';

declare module './ledger-batch.ts' {
  interface ReadSet {
    /** The user whose wallets and drafts are counted; its default wallet must be among the wallets, for its lock. */
    readonly quotasOf?: bigint;
  }
  interface LedgerBatch {
    readonly quotas: QuotaCounts;
  }
}

/** What is counted of a user. */
export type Counted = 'walletsPerUser' | 'payoutDraftsPerUser';

/** How many a user has, read under the lock of its default wallet. */
export type UserCounts = Readonly<Record<Counted, number>>;

/** The counts of the users of a batch. */
export class QuotaCounts {
  readonly #batch: BatchContext;
  readonly #counts = new Map<bigint, Record<Counted, number>>();

  constructor(loaded: ReadonlyMap<bigint, UserCounts>, batch: BatchContext) {
    this.#batch = batch;
    for (const [userId, counts] of loaded) this.#counts.set(userId, { ...counts });
  }

  /** Counts one more. Refuses QUOTA_EXCEEDED if the user already has as many as allowed. */
  add(userId: bigint, what: Counted, quotas: Quotas): void {
    const counts = this.#counts.get(userId);
    if (!counts) throw new InvariantError(`the batch has not loaded the counts of user ${userId}`);
    checkQuota(quotas, what, counts[what]);
    counts[what] += 1;
    this.#batch.undo.push(() => {
      counts[what] -= 1;
    });
  }
}
