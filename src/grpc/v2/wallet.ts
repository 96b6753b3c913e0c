// wallet.v2.WalletService: the acting user's wallets.
import { Direction, type WalletServiceService } from '../../../gen/ts/wallet/v2/wallet_service.ts';
import type { Account } from '../../domain/account.ts';
import { annotationOf, type OwnedAnnotation } from '../../domain/annotation.ts';
import { parseCurrency } from '../../domain/currency.ts';
import type { WalletRef } from '../../domain/intent.ts';
import { pageSize } from '../../domain/page.ts';
import { walletStateAt } from '../../domain/restriction.ts';
import { MICROS_PER_MS, type Micros } from '../../domain/time.ts';
import {
  type Core,
  closeWallet,
  createStatements,
  createWallet,
  findByReference,
  getBalance,
  getLimits,
  getWallet,
  getWallets,
  listOwnWallets,
  listTransactions,
  type Transaction,
  updateWallet,
  type WalletEvent,
  watchWallet,
} from '../../usecases/index.ts';
import { command } from '../command-handler.ts';
import type { Handlers } from '../handlers.ts';
import {
  decodeCursor,
  decodeTimeToken,
  encodeCursor,
  encodeTimeToken,
  resumePoint,
  type TimeCursor,
} from '../page-token.ts';
import { toLastMoment, toTimestamp } from '../timestamp.ts';
import { WIRE_WALLET_STATES } from '../wallet-states.ts';
import { toLimit } from './limit.ts';
import { shownAnnotation, toMoney, toTransfer } from './money.ts';
import { exportStatement } from './statement.ts';
import { filterKey, parseFilter } from './transaction-filter.ts';

/** A wallet by its id. The database writes UUIDs in lower case. */
export function walletRef(id: string, field: string): WalletRef {
  return { walletId: id.toLowerCase(), field };
}

/** A destination as requests name it, a wallet or a user; `path` is the prefix of its fields. */
type Destination =
  | { readonly $case: 'creditWalletId'; readonly value: string }
  | { readonly $case: 'creditUserId'; readonly value: bigint };

/** The wallet of a destination; undefined where none is named. */
export function destinationRef(destination: Destination | undefined, path = ''): WalletRef | undefined {
  if (!destination) return undefined;
  return destination.$case === 'creditUserId'
    ? { defaultOf: destination.value, field: `${path}credit_user_id` }
    : walletRef(destination.value, `${path}credit_wallet_id`);
}

/** The handlers of wallet.v2.WalletService. */
export const walletService = (core: Core): Handlers<typeof WalletServiceService> => ({
  createWallet: command({
    execute: (request, { userId, key, call }) => {
      const { currencyCode, displayName } = request;
      const currency = parseCurrency(currencyCode, 'currency_code');
      const annotation = annotationOf(request);
      const intent = { userId, currency, displayName, quotas: core.quotas, annotation };
      return core.execute(createWallet, intent, key, call);
    },
    // Answers that were stored before there were holds lack the amount. The state is that of the moment it was opened.
    toResponse: (wallet) => ({
      wallet: toWallet({ ...wallet, heldAmount: 0n }, wallet.annotation, wallet.createdAt),
    }),
  }),

  updateWallet: command({
    execute: ({ walletId, displayName, isDefault }, { userId, key, call }) => {
      const intent = { userId, wallet: walletRef(walletId, 'wallet_id'), displayName, isDefault };
      return core.execute(updateWallet, intent, key, call);
    },
    toResponse: async ({ wallet, at }) => ({ wallet: await shownWallet(core, wallet, at) }),
  }),

  closeWallet: command({
    execute: ({ walletId }, { userId, key, call }) =>
      core.execute(closeWallet, { userId, walletId: walletId.toLowerCase() }, key, call),
    toResponse: async (wallet) => ({ wallet: await shownWallet(core, wallet) }),
  }),

  async getWallet({ walletId, reference }, { userId }) {
    const { id, field } = await findByReference(core, userId, 'wallet', { id: walletId, reference });
    const wallet = await getWallet(core, userId, walletRef(id, field));
    return { wallet: await shownWallet(core, wallet) };
  },

  async listWallets(request, { userId }) {
    const list = ['v2.wallets', userId];
    const after = decodeTimeToken(list, request.pageToken);
    const page = await listOwnWallets(core, userId, after, pageSize(request.pageSize));
    const annotations = await core.annotations.ofWallets(page.items.map(({ id }) => id));
    const wallets = page.items.map((wallet) => toWallet(wallet, annotations.get(wallet.id)));
    return { wallets, nextPageToken: encodeTimeToken(list, page.next) };
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

  async getLimits({ currencyCode }, { userId }) {
    const currency = parseCurrency(currencyCode, 'currency_code');
    const { tier, standings } = await getLimits(core, userId, currency);
    return { tier, limits: standings.map((standing) => toLimit(currency, standing)) };
  },

  async listTransactions(request, { userId }) {
    const { walletId } = request;
    const filter = parseFilter(request);
    const wallet = walletRef(walletId, 'wallet_id');
    const list = ['v2.transactions', userId, walletId.toLowerCase(), ...filterKey(filter)];
    const after = decodeTimeToken(list, request.pageToken);
    const page = await listTransactions(core, userId, wallet, filter, after, pageSize(request.pageSize));
    return {
      transactions: page.items.map((item) => toTransaction(item, userId)),
      nextPageToken: encodeTimeToken(list, page.next),
    };
  },

  exportStatement: exportStatement(createStatements(core)),

  watchWallet: streamWallet(core),
});

async function shownWallet({ annotations }: Core, wallet: Account, at?: Micros) {
  return toWallet(wallet, (await annotations.ofWallets([wallet.id])).get(wallet.id), at);
}

/** The moment tells whether a freeze is over; the ledger itself goes by the database's clock. */
function toWallet(
  wallet: Account,
  annotation: OwnedAnnotation | undefined,
  at: Micros = Date.now() * MICROS_PER_MS,
) {
  const { id, ownerUserId, currency, displayName, balance, heldAmount, isDefault, createdAt } = wallet;
  return {
    walletId: id,
    userId: ownerUserId ?? 0n,
    currencyCode: currency,
    displayName,
    balance: toMoney(currency, balance),
    isDefault,
    createdAt: toTimestamp(createdAt),
    heldAmount: toMoney(currency, heldAmount),
    state: WIRE_WALLET_STATES[walletStateAt(wallet.restriction, at)],
    ...shownAnnotation(annotation, ownerUserId ?? 0n),
  };
}

function streamWallet(core: Core): Handlers<typeof WalletServiceService>['watchWallet'] {
  return async function* ({ walletId, afterCursor }, { userId }, signal, _headers, lastEventId) {
    const id = walletId.toLowerCase();
    const stream = ['v2.watch-wallet', userId, id];
    const point = resumePoint(afterCursor, lastEventId);
    const place = decodeCursor(stream, point);
    const after = place && { place, field: point.field };
    const cursorOf = (place: TimeCursor) => encodeCursor(stream, place);
    // What its user attached to a wallet never changes.
    const annotation = (await core.annotations.ofWallets([id])).get(id);
    for await (const event of watchWallet(core, userId, id, after, signal)) {
      yield { cursor: cursorOf(event.place), event: toEvent(event, userId, annotation, cursorOf) };
    }
  };
}

function toEvent(
  event: WalletEvent,
  userId: bigint,
  annotation: OwnedAnnotation | undefined,
  cursorOf: (place: TimeCursor) => string,
) {
  if ('transaction' in event)
    return { $case: 'transaction', value: toTransaction(event.transaction, userId) } as const;
  if ('snapshot' in event) return { $case: 'snapshot', value: toWallet(event.snapshot, annotation) } as const;
  if ('gapAfter' in event) return { $case: 'gap', value: { afterCursor: cursorOf(event.gapAfter) } } as const;
  return { $case: 'heartbeat', value: {} } as const;
}

function toTransaction(transaction: Transaction, userId: bigint) {
  return {
    transfer: toTransfer(transaction, userId),
    direction: transaction.direction === 'in' ? Direction.IN : Direction.OUT,
    balanceAfter: toMoney(transaction.transfer.currency, transaction.balanceAfter),
  };
}
