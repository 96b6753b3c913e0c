// Lists the transactions of a wallet of the acting user, newest first.
import type { TransferPlace } from '../../db/reads/index.ts';
import type { WalletRef } from '../../domain/intent.ts';
import type { Page } from '../../domain/page.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import type { TransferFilter } from '../../domain/transfer-filter.ts';
import type { Core } from '../core.ts';
import { getWallet } from './get-wallets.ts';

/** A transfer as one of its wallets saw it. */
export interface Transaction extends PostedTransfer {
  readonly direction: 'in' | 'out';
  /** The wallet's balance right after, in the smallest unit of its currency. */
  readonly balanceAfter: bigint;
  /** The user on the other side; undefined if that is not a wallet. */
  readonly counterpartyUserId: bigint | undefined;
}

/** Refuses WALLET_NOT_FOUND, USER_NOT_FOUND. */
export async function listTransactions(
  core: Core,
  userId: bigint,
  ref: WalletRef,
  filter: TransferFilter,
  after: TransferPlace | undefined,
  size: number,
): Promise<Page<Transaction, TransferPlace>> {
  const wallet = await getWallet(core, userId, ref);
  const page = await core.transfers.list(wallet, filter, after, size);
  return { items: page.items.map((posted) => seenFrom(wallet.id, posted)), next: page.next };
}

/** A transfer as this wallet, on one of its sides, saw it. */
export function seenFrom(walletId: string, posted: PostedTransfer): Transaction {
  const { transfer, debitUserId, creditUserId } = posted;
  return transfer.debitAccountId === walletId
    ? {
        ...posted,
        direction: 'out',
        balanceAfter: transfer.debitBalanceAfter,
        counterpartyUserId: creditUserId,
      }
    : {
        ...posted,
        direction: 'in',
        balanceAfter: transfer.creditBalanceAfter,
        counterpartyUserId: debitUserId,
      };
}
