// Brings money from the external account into a wallet of the acting user.

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
}

/** Refuses WALLET_NOT_FOUND, USER_NOT_FOUND, CURRENCY_MISMATCH, BALANCE_TOO_HIGH. */
export const deposit: LedgerCommand<DepositIntent, PostedTransfer> = {
  readSet: ({ wallet, money }) => ({ wallets: [wallet], external: money.currency }),

  decide({ userId, wallet, money, memo }, batch) {
    const credit = batch.accounts.ownWallet(wallet, userId);
    checkMoney(money, credit);
    const debit = batch.accounts.external(money.currency);
    const transfer = batch.transfers.post({ kind: 'deposit', debit, credit, amount: money.amount, memo });
    return { transfer, debitUserId: undefined, creditUserId: userId };
  },
};
