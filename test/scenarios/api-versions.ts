// One set of operations over both API versions, wallet.v1 and wallet.v2, and over gRPC or REST.
import type { Answer, ApiClient, Identity } from '../api-client.ts';

/** The operations that both versions have. Amounts are whole won. */
export interface ApiVersion {
  readonly name: string;
  balance(user: number): Promise<number>;
  /** Newest first: what came in is above zero, what went out below. */
  history(user: number): Promise<{ amount: number; balanceAfter: number; kind: string }[]>;
  charge(user: number, amount: number, key?: string): Promise<Answer>;
  transfer(from: number, to: number, amount: number, key?: string): Promise<Answer>;
  sprinkle(user: number, room: string, amount: number, headcount: number, key?: string): Promise<Answer>;
  claim(user: number, room: string, token: string, key?: string): Promise<Answer>;
  /** What the creator of a sprinkle sees of it, by what sprinkle() answered. */
  getSprinkle(user: number, room: string, made: Answer): Promise<Answer>;
}

const as = (userId: number, more: Partial<Identity> = {}): Identity => ({ userId: String(userId), ...more });
const withKey = (userId: number, key: string | undefined, more: Partial<Identity> = {}): Identity =>
  as(userId, { ...more, idempotencyKey: key ?? crypto.randomUUID() });

/** The operations in wallet.v1. */
export function v1(client: ApiClient): ApiVersion {
  return {
    name: `v1 over ${client.name}`,
    async balance(user) {
      const answer = await client.call('wallet.v1.WalletService/GetBalance', {}, as(user));
      return Number(answer.body.balance);
    },
    async history(user) {
      const answer = await client.call('wallet.v1.WalletService/ListTransactions', {}, as(user));
      return answer.list('transactions').map((transaction) => ({
        amount: Number(transaction.amount),
        balanceAfter: Number(transaction.balance_after),
        kind: String(transaction.kind).replace('TRANSACTION_KIND_', ''),
      }));
    },
    charge: (user, amount, key) =>
      client.call('wallet.v1.WalletService/Charge', { amount }, withKey(user, key)),
    transfer: (from, to, amount, key) =>
      client.call('wallet.v1.WalletService/Transfer', { to_user_id: to, amount }, withKey(from, key)),
    sprinkle: (user, roomId, amount, headcount, key) =>
      client.call(
        'wallet.v1.SprinkleService/CreateSprinkle',
        { amount, headcount },
        withKey(user, key, { roomId }),
      ),
    claim: (user, roomId, token, key) =>
      client.call('wallet.v1.SprinkleService/ClaimSprinkle', { token }, withKey(user, key, { roomId })),
    getSprinkle: (user, roomId, made) =>
      client.call(
        'wallet.v1.SprinkleService/GetSprinkle',
        { token: made.body.token ?? '' },
        as(user, { roomId }),
      ),
  };
}

const won = (amount: number) => ({ currency_code: 'KRW', minor_units: amount });

/** The operations in wallet.v2, always with the users' default wallets. */
export function v2(client: ApiClient): ApiVersion {
  const walletOf = async (user: number): Promise<string> => {
    const answer = await client.call('wallet.v2.WalletService/ListWallets', {}, as(user));
    return String(answer.list('wallets').find((wallet) => wallet.is_default)?.wallet_id);
  };
  return {
    name: `v2 over ${client.name}`,
    async balance(user) {
      const wallet_id = await walletOf(user);
      const answer = await client.call('wallet.v2.WalletService/GetBalance', { wallet_id }, as(user));
      return Number(answer.at('balance', 'minor_units'));
    },
    async history(user) {
      const wallet_id = await walletOf(user);
      const answer = await client.call('wallet.v2.WalletService/ListTransactions', { wallet_id }, as(user));
      return answer.list('transactions').map((transaction) => {
        const transfer = transaction.transfer as { kind: string; amount: { minor_units: string } };
        const sign = transaction.direction === 'DIRECTION_IN' ? 1 : -1;
        return {
          amount: sign * Number(transfer.amount.minor_units),
          balanceAfter: Number((transaction.balance_after as { minor_units: string }).minor_units),
          kind: transfer.kind.replace('TRANSFER_KIND_', ''),
        };
      });
    },
    charge: async (user, amount, key) => {
      const request = { wallet_id: await walletOf(user), amount: won(amount) };
      return client.call('wallet.v2.TransferService/Deposit', request, withKey(user, key));
    },
    transfer: async (from, to, amount, key) => {
      const request = { debit_wallet_id: await walletOf(from), credit_user_id: to, amount: won(amount) };
      return client.call('wallet.v2.TransferService/CreateTransfer', request, withKey(from, key));
    },
    sprinkle: async (user, room_id, amount, headcount, key) => {
      const request = { room_id, wallet_id: await walletOf(user), amount: won(amount), headcount };
      return client.call('wallet.v2.SprinkleService/CreateSprinkle', request, withKey(user, key));
    },
    claim: (user, room_id, token, key) =>
      client.call('wallet.v2.SprinkleService/ClaimSprinkle', { room_id, token }, withKey(user, key)),
    getSprinkle: (user, room_id, made) =>
      client.call(
        'wallet.v2.SprinkleService/GetSprinkle',
        { room_id, sprinkle_id: made.at('sprinkle', 'sprinkle_id') ?? '' },
        as(user),
      ),
  };
}
