// Takes money out of a wallet of the acting user to the external account.

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
}

/** Refuses WALLET_NOT_FOUND, CURRENCY_MISMATCH, BALANCE_TOO_LOW, BALANCE_TOO_HIGH (of the external account). */
export const withdraw: LedgerCommand<WithdrawIntent, PostedTransfer> = {
  readSet: ({ wallet, money }) => ({ wallets: [wallet], external: money.currency }),

  decide({ userId, wallet, money, memo }, batch) {
    const debit = batch.accounts.ownWallet(wallet, userId);
    checkMoney(money, debit);
    const credit = batch.accounts.external(money.currency);
    const transfer = batch.transfers.post({ kind: 'withdrawal', debit, credit, amount: money.amount, memo });
    return { transfer, debitUserId: userId, creditUserId: undefined };
  },
};
