// Makes a payout: a draft without lines, and its empty pot.
import { checkMemo } from '../../domain/bounds.ts';
import type { LedgerCommand } from '../../domain/command.ts';
import type { WalletRef } from '../../domain/intent.ts';
import type { Payout, PayoutMode } from '../../domain/payout.ts';
import { DEFAULT_QUOTAS, type Quotas } from '../../domain/quotas.ts';

/** What the caller readSet. */
export interface CreatePayoutIntent {
  readonly userId: bigint;
  /** The wallet of the user that will pay. */
  readonly wallet: WalletRef;
  readonly mode: PayoutMode;
  readonly memo: string;
  readonly quotas?: Quotas;
}

/** Refuses WALLET_NOT_FOUND, QUOTA_EXCEEDED. */
export const createPayout: LedgerCommand<CreatePayoutIntent, Payout> = {
  // The default wallet for its lock: drafts of one user are counted one after the other, whatever wallet they pay from.
  readSet: ({ wallet, userId }) => ({
    wallets: [wallet, { defaultOf: userId, field: 'x-user-id' }],
    countsOf: userId,
  }),

  decide({ userId, wallet, mode, memo, quotas = DEFAULT_QUOTAS }, book) {
    checkMemo(memo);
    const source = book.ownWallet(wallet, userId);
    const { currency } = source;
    book.owned.add(userId, 'payoutDraftsPerUser', quotas);
    const pot = book.open({ kind: 'payout', currency, ownerUserId: undefined, displayName: '' });
    const payout: Payout = {
      id: book.random.uuid(),
      ownerUserId: userId,
      sourceAccountId: source.id,
      potAccountId: pot.id,
      currency,
      mode,
      memo,
      state: 'draft',
      lineCount: 0,
      badCount: 0,
      totalAmount: 0n,
      fundedAmount: 0n,
      paidAmount: 0n,
      paidCount: 0,
      failedCount: 0,
      createdAt: book.at,
      startedAt: undefined,
      endedAt: undefined,
    };
    book.payouts.add(payout);
    return payout;
  },
};
