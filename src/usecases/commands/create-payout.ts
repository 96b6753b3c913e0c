// Creates a payout: a draft without lines, and its empty pot.

import type { RequestedAnnotation } from '../../domain/annotation.ts';
import { referencesOf } from '../../domain/batch/annotations.ts';
import type { LedgerCommand } from '../../domain/batch/command.ts';
import { checkMemo } from '../../domain/bounds.ts';
import type { WalletRef } from '../../domain/intent.ts';
import type { Payout, PayoutMode } from '../../domain/payout.ts';
import { DEFAULT_QUOTAS, type Quotas } from '../../domain/quotas.ts';

/** The intent of the caller. */
export interface CreatePayoutIntent {
  readonly userId: bigint;
  /** The wallet of the user that will pay. */
  readonly wallet: WalletRef;
  readonly mode: PayoutMode;
  readonly memo: string;
  readonly quotas?: Quotas;
  /** Undefined where the user attaches nothing. */
  readonly annotation?: RequestedAnnotation | undefined;
}

/** Refuses WALLET_NOT_FOUND, QUOTA_EXCEEDED, REFERENCE_REUSED. */
export const createPayout: LedgerCommand<CreatePayoutIntent, Payout> = {
  // The default wallet is read for its lock: it serializes the counts of one user's drafts, whatever wallet they pay from.
  readSet: ({ wallet, userId, annotation }) => ({
    wallets: [wallet, { defaultOf: userId, field: 'x-user-id' }],
    quotasOf: userId,
    references: referencesOf('payout', userId, annotation),
  }),

  decide({ userId, wallet, mode, memo, quotas = DEFAULT_QUOTAS, annotation }, batch) {
    checkMemo(memo);
    const source = batch.accounts.ownWallet(wallet, userId);
    const { currency } = source;
    batch.quotas.add(userId, 'payoutDraftsPerUser', quotas);
    const pot = batch.accounts.open({ kind: 'payout', currency, ownerUserId: undefined, displayName: '' });
    const id = batch.random.uuid();
    const thing = { subject: 'payout', id, createdAt: batch.at, userId } as const;
    const payout: Payout = {
      id,
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
      createdAt: batch.at,
      startedAt: undefined,
      endedAt: undefined,
      ...(annotation && { annotation: batch.annotations.add(thing, annotation) }),
    };
    batch.payouts.add(payout);
    return payout;
  },
};
