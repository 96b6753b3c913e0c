// Takes money out of a wallet of the acting user to the external account.

import type { RequestedAnnotation } from '../../domain/annotation.ts';
import { annotated, referencesOf } from '../../domain/batch/annotations.ts';
import type { LedgerCommand } from '../../domain/batch/command.ts';
import type { RequestedMoney, WalletRef } from '../../domain/intent.ts';
import { checkMoney } from '../../domain/requested-money.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';

/** The intent of the caller. */
export interface WithdrawIntent {
  readonly userId: bigint;
  /** A wallet of the user. */
  readonly wallet: WalletRef;
  readonly money: RequestedMoney;
  readonly memo: string;
  /** Undefined where the user attaches nothing. */
  readonly annotation?: RequestedAnnotation | undefined;
}

/** Refuses WALLET_NOT_FOUND, CURRENCY_MISMATCH, BALANCE_TOO_LOW, BALANCE_TOO_HIGH (of the external account). */
export const withdraw: LedgerCommand<WithdrawIntent, PostedTransfer> = {
  readSet: ({ userId, wallet, money, annotation }) => ({
    wallets: [wallet],
    external: money.currency,
    references: referencesOf('transfer', userId, annotation),
  }),

  decide({ userId, wallet, money, memo, annotation }, batch) {
    const debit = batch.accounts.ownWallet(wallet, userId);
    checkMoney(money, debit);
    const credit = batch.accounts.external(money.currency);
    const transfer = batch.transfers.post({ kind: 'withdrawal', debit, credit, amount: money.amount, memo });
    const posted = { transfer, debitUserId: userId, creditUserId: undefined };
    return annotation ? annotated(batch, userId, posted, annotation) : posted;
  },
};
