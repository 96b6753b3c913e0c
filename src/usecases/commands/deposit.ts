// Brings money from the external account into a wallet of the acting user.

import type { RequestedAnnotation } from '../../domain/annotation.ts';
import { annotated, referencesOf } from '../../domain/batch/annotations.ts';
import type { LedgerCommand } from '../../domain/batch/command.ts';
import type { RequestedMoney, WalletRef } from '../../domain/intent.ts';
import { checkMoney } from '../../domain/requested-money.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';

/** The intent of the caller. */
export interface DepositIntent {
  readonly userId: bigint;
  /** A wallet of the user. */
  readonly wallet: WalletRef;
  readonly money: RequestedMoney;
  readonly memo: string;
  /** Undefined where the user attaches nothing. */
  readonly annotation?: RequestedAnnotation | undefined;
}

/** Refuses WALLET_NOT_FOUND, USER_NOT_FOUND, CURRENCY_MISMATCH, BALANCE_TOO_HIGH. */
export const deposit: LedgerCommand<DepositIntent, PostedTransfer> = {
  readSet: ({ userId, wallet, money, annotation }) => ({
    wallets: [wallet],
    external: money.currency,
    references: referencesOf('transfer', userId, annotation),
  }),

  decide({ userId, wallet, money, memo, annotation }, batch) {
    const credit = batch.accounts.ownWallet(wallet, userId);
    checkMoney(money, credit);
    const debit = batch.accounts.external(money.currency);
    const transfer = batch.transfers.post({ kind: 'deposit', debit, credit, amount: money.amount, memo });
    const posted = { transfer, debitUserId: undefined, creditUserId: userId };
    return annotation ? annotated(batch, userId, posted, annotation) : posted;
  },
};
