// wallet.v2.WalletService: the acting user's wallets.
import { Direction, type WalletServiceService } from '../../../gen/ts/wallet/v2/wallet_service.ts';
import type { Account } from '../../domain/account.ts';
import { parseCurrency } from '../../domain/currency.ts';
import type { WalletRef } from '../../domain/intent.ts';
import { pageSize } from '../../domain/page.ts';
import {
  type Core,
  createWallet,
  getBalance,
  getWallet,
  getWallets,
  listOwnWallets,
  listTransactions,
  type Transaction,
} from '../../usecases/index.ts';
import { command } from '../command-handler.ts';
import type { Handlers } from '../handlers.ts';
import { decodeTimeToken, encodeTimeToken } from '../page-token.ts';
import { toBound, toLastMoment, toTimestamp } from '../timestamp.ts';
import { parseKinds, toMoney, toTransfer } from './money.ts';

/** A wallet by its id. The database writes UUIDs in lower case. */
export function walletRef(id: string, field: string): WalletRef {
  return { walletId: id.toLowerCase(), field };
}

/** The handlers of wallet.v2.WalletService. */
export const walletService = (core: Core): Handlers<typeof WalletServiceService> => ({
  createWallet: command({
    execute: ({ currencyCode, displayName }, { userId, key, call }) => {
      const currency = parseCurrency(currencyCode, 'currency_code');
      const intent = { userId, currency, displayName, quotas: core.quotas };
      return core.execute(createWallet, intent, key, call);
    },
    toResponse: (wallet) => ({ wallet: toWallet(wallet) }),
  }),

  async getWallet({ walletId }, { userId }) {
    return { wallet: toWallet(await getWallet(core, userId, walletRef(walletId, 'wallet_id'))) };
  },

  async listWallets(request, { userId }) {
    const list = ['v2.wallets', userId];
    const after = decodeTimeToken(list, request.pageToken);
    const page = await listOwnWallets(core, userId, after, pageSize(request.pageSize));
    return { wallets: page.items.map(toWallet), nextPageToken: encodeTimeToken(list, page.next) };
  },

  async getBalance({ walletId, asOf }, { userId }) {
    const moment = toLastMoment(asOf, 'as_of');
    const { currency, amount } = await getBalance(core, userId, walletRef(walletId, 'wallet_id'), moment);
    return { balance: toMoney(currency, amount) };
  },

  async batchGetBalances({ walletIds }, { userId }) {
    const wallets = await getWallets(core, userId, walletIds, 'wallet_ids');
    return {
      balances: wallets.map(({ id, currency, balance }) => ({
        walletId: id,
        balance: toMoney(currency, balance),
      })),
    };
  },

  async listTransactions(request, { userId }) {
    const { walletId, kinds, createdFrom, createdBefore } = request;
    const filter = {
      kinds: parseKinds(kinds),
      from: toBound(createdFrom, 'created_from'),
      before: toBound(createdBefore, 'created_before'),
    };
    const wallet = walletRef(walletId, 'wallet_id');
    const list = [
      'v2.transactions',
      userId,
      walletId.toLowerCase(),
      filter.kinds,
      filter.from,
      filter.before,
    ];
    const after = decodeTimeToken(list, request.pageToken);
    const page = await listTransactions(core, userId, wallet, filter, after, pageSize(request.pageSize));
    return {
      transactions: page.items.map((item) => toTransaction(item, userId)),
      nextPageToken: encodeTimeToken(list, page.next),
    };
  },
});

function toWallet({ id, ownerUserId, currency, displayName, balance, isDefault, createdAt }: Account) {
  return {
    walletId: id,
    userId: ownerUserId ?? 0n,
    currencyCode: currency,
    displayName,
    balance: toMoney(currency, balance),
    isDefault,
    createdAt: toTimestamp(createdAt),
  };
}

function toTransaction(transaction: Transaction, userId: bigint) {
  return {
    transfer: toTransfer(transaction, userId),
    direction: transaction.direction === 'in' ? Direction.IN : Direction.OUT,
    balanceAfter: toMoney(transaction.transfer.currency, transaction.balanceAfter),
  };
}
