// Moves money from a wallet of the acting user to another wallet.

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
}

/** Refuses WALLET_NOT_FOUND, USER_NOT_FOUND, SELF_TRANSFER, CURRENCY_MISMATCH, BALANCE_TOO_LOW, BALANCE_TOO_HIGH. */
export const createTransfer: LedgerCommand<CreateTransferIntent, PostedTransfer> = {
  readSet: ({ from, to }) => ({ wallets: [from, to] }),

  decide({ userId, from, to, money, memo }, batch) {
    const debit = batch.accounts.ownWallet(from, userId);
    const credit = batch.accounts.wallet(to);
    if (debit.id === credit.id) throw refuseField('SELF_TRANSFER', to.field);
    checkMoney(money, debit);
    checkMoney(money, credit);
    const posted = batch.transfers.post({ kind: 'transfer', debit, credit, amount: money.amount, memo });
    return { transfer: posted, debitUserId: userId, creditUserId: credit.ownerUserId };
  },
};
