// The part of the book that knows how many wallets and drafts of payouts users have, for their quotas.
import { InvariantError } from './error-fields.ts';
import type { Journal } from './journal.ts';
import { checkQuota, type Quotas } from './quotas.ts';

/** What is counted of a user. */
export type Owned = 'walletsPerUser' | 'payoutDraftsPerUser';

/** How many a user has, read under the lock of its default wallet. */
export type OwnedCounts = Readonly<Record<Owned, number>>;

/** What the users of one batch have. */
export class OwnedBook {
  readonly #journal: Journal;
  readonly #counts = new Map<bigint, Record<Owned, number>>();

  constructor(loaded: ReadonlyMap<bigint, OwnedCounts>, journal: Journal) {
    this.#journal = journal;
    for (const [userId, counts] of loaded) this.#counts.set(userId, { ...counts });
  }

  /** Counts one more; refuses QUOTA_EXCEEDED where the user has as many as it may have. */
  add(userId: bigint, what: Owned, quotas: Quotas): void {
    const counts = this.#counts.get(userId);
    if (!counts) throw new InvariantError('the batch has not counted what the user has');
    checkQuota(quotas, what, counts[what]);
    counts[what] += 1;
    this.#journal.note(() => {
      counts[what] -= 1;
    });
  }
}
