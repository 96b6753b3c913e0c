// wallet.v1.WalletService: the acting user's one wallet, in whole won.
import { TransactionKind, type WalletServiceService } from '../../../gen/ts/wallet/v1/wallet_service.ts';
import type { RequestedMoney, WalletRef } from '../../domain/intent.ts';
import { pageSize } from '../../domain/page.ts';
import type { TransferKind } from '../../domain/transfer.ts';
import {
  type Core,
  createTransfer,
  deposit,
  getBalance,
  listTransactions,
  type Transaction,
} from '../../usecases/index.ts';
import type { Caller } from '../caller.ts';
import { command } from '../command-handler.ts';
import type { Handlers } from '../handlers.ts';
import { decodeTimeToken, encodeTimeToken } from '../page-token.ts';
import { toTimestamp } from '../timestamp.ts';

const EVERYTHING = { kinds: undefined, from: undefined, before: undefined };

/** The user's default wallet, the only one in v1. */
export function ownWallet({ userId }: Caller): WalletRef {
  return { defaultOf: userId, field: 'x-user-id' };
}

/** An amount of v1: whole won. */
export function won(amount: bigint): RequestedMoney {
  return { currency: 'KRW', amount, field: 'amount' };
}

/** The handlers of wallet.v1.WalletService. */
export const walletService = (core: Core): Handlers<typeof WalletServiceService> => ({
  async getBalance(_request, caller) {
    const { amount } = await getBalance(core, caller.userId, ownWallet(caller), undefined);
    return { balance: amount };
  },

  async listTransactions(request, caller) {
    const list = ['v1.transactions', caller.userId];
    const after = decodeTimeToken(list, request.pageToken);
    const size = pageSize(request.pageSize);
    const page = await listTransactions(core, caller.userId, ownWallet(caller), EVERYTHING, after, size);
    return { transactions: page.items.map(toTransaction), nextPageToken: encodeTimeToken(list, page.next) };
  },

  charge: command({
    execute: ({ amount }, caller) => {
      const { userId, key, call } = caller;
      const intent = { userId, wallet: ownWallet(caller), money: won(amount), memo: '' };
      return core.execute(deposit, intent, key, call);
    },
    toResponse: ({ transfer: { id, creditBalanceAfter } }) => ({
      transactionId: id,
      balance: creditBalanceAfter,
    }),
  }),

  transfer: command({
    execute: ({ toUserId, amount, memo }, caller) => {
      const { userId, key, call } = caller;
      const to = { defaultOf: toUserId, field: 'to_user_id' };
      const intent = { userId, from: ownWallet(caller), to, money: won(amount), memo };
      return core.execute(createTransfer, intent, key, call);
    },
    toResponse: ({ transfer: { id, debitBalanceAfter } }) => ({
      transactionId: id,
      balance: debitBalanceAfter,
    }),
  }),
});

const KINDS: Record<TransferKind, TransactionKind> = {
  deposit: TransactionKind.DEPOSIT,
  withdrawal: TransactionKind.WITHDRAWAL,
  transfer: TransactionKind.TRANSFER,
  sprinkle: TransactionKind.SPRINKLE,
  claim: TransactionKind.CLAIM,
  refund: TransactionKind.REFUND,
  payout: TransactionKind.PAYOUT,
  payout_line: TransactionKind.PAYOUT_LINE,
  hold: TransactionKind.HOLD,
  capture: TransactionKind.CAPTURE,
  void: TransactionKind.VOID,
  gift: TransactionKind.GIFT,
  gift_accept: TransactionKind.GIFT_ACCEPT,
  gift_return: TransactionKind.GIFT_RETURN,
  reversal: TransactionKind.REVERSAL,
};

function toTransaction({ transfer: posted, direction, balanceAfter, counterpartyUserId }: Transaction) {
  return {
    transactionId: posted.id,
    // A later release may have added kinds to the ledger that this one shares.
    kind: KINDS[posted.kind] ?? TransactionKind.UNSPECIFIED,
    amount: direction === 'in' ? posted.amount : -posted.amount,
    balanceAfter,
    counterpartyUserId: counterpartyUserId ?? 0n,
    memo: posted.memo,
    createdAt: toTimestamp(posted.createdAt),
  };
}
