// Moves money from a wallet of the acting user to another wallet.

import type { RequestedAnnotation } from '../../domain/annotation.ts';
import { annotated, referencesOf } from '../../domain/batch/annotations.ts';
import type { LedgerCommand } from '../../domain/batch/command.ts';
import type { RequestedMoney, WalletRef } from '../../domain/intent.ts';
import { refuseField } from '../../domain/refusal.ts';
import { checkMoney } from '../../domain/requested-money.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';

/** The intent of the caller. */
export interface CreateTransferIntent {
  readonly userId: bigint;
  /** A wallet of the user. */
  readonly from: WalletRef;
  readonly to: WalletRef;
  readonly money: RequestedMoney;
  readonly memo: string;
  /** Undefined where the user attaches nothing. */
  readonly annotation?: RequestedAnnotation | undefined;
}

/** Refuses WALLET_NOT_FOUND, USER_NOT_FOUND, SELF_TRANSFER, CURRENCY_MISMATCH, BALANCE_TOO_LOW, BALANCE_TOO_HIGH, REFERENCE_REUSED. */
export const createTransfer: LedgerCommand<CreateTransferIntent, PostedTransfer> = {
  readSet: ({ userId, from, to, annotation }) =>
    annotation
      ? { wallets: [from, to], references: referencesOf('transfer', userId, annotation) }
      : { wallets: [from, to] },

  decide({ userId, from, to, money, memo, annotation }, batch) {
    const debit = batch.accounts.ownWallet(from, userId);
    const credit = batch.accounts.wallet(to);
    if (debit.id === credit.id) throw refuseField('SELF_TRANSFER', to.field);
    checkMoney(money, debit);
    checkMoney(money, credit);
    const transfer = batch.transfers.post({ kind: 'transfer', debit, credit, amount: money.amount, memo });
    const posted = { transfer, debitUserId: userId, creditUserId: credit.ownerUserId };
    return annotation ? annotated(batch, userId, posted, annotation) : posted;
  },
};
