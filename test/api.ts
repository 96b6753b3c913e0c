// The words of the tests: who calls, how much money, and what a refusal has to say.
import assert from 'node:assert/strict';
import type { Answer, ApiClient, Identity, Json } from './api-client.ts';

/** Won, as wallet.v2 has money. */
export const won = (amount: number) => ({ currency_code: 'KRW', minor_units: String(amount) });

/** The identity of a call in the name of a user. */
export const actingAs = (user: number): Identity => ({ userId: String(user) });

/** The same with an idempotency key, a new one unless one is given. */
export const withKey = (user: number, idempotencyKey: string = crypto.randomUUID()): Identity => ({
  ...actingAs(user),
  idempotencyKey,
});

/** A user who calls. */
export interface ApiUser {
  /** Calls any RPC in the user's name. */
  call(rpc: string, request?: Json, identity?: Partial<Identity>): Promise<Answer>;
  /** Pays another user so many won, under a new key unless one is given. */
  pay(to: number, amount: number, idempotencyKey?: string): Promise<Answer>;
  /** What the user has, in won. */
  balance(): Promise<number>;
  /** The id of the user's wallet in won, which every user has. */
  defaultWallet(): Promise<string>;
}

/** A user who calls through a client. */
export function as(user: number, client: ApiClient): ApiUser {
  const call: ApiUser['call'] = (rpc, request = {}, identity = {}) =>
    client.call(rpc, request, { ...actingAs(user), ...identity });
  return {
    call,
    pay: (to, amount, idempotencyKey = crypto.randomUUID()) =>
      call('wallet.v1.WalletService/Transfer', { to_user_id: to, amount }, { idempotencyKey }),
    balance: async () => Number((await call('wallet.v1.WalletService/GetBalance')).body.balance),
    defaultWallet: async () => {
      const wallets = (await call('wallet.v2.WalletService/ListWallets')).list('wallets');
      return String(wallets.find((wallet) => wallet.is_default)?.wallet_id);
    },
  };
}

/** Asserts that a call was refused, why, and because of which fields; `any` where it is not about the fields. */
export function expectRefusal(
  answer: Answer,
  code: string,
  reason: string,
  fields: readonly string[] | 'any' = [],
): void {
  const expected = fields === 'any' ? answer.fields : fields;
  assert.deepEqual([answer.code, answer.reason, answer.fields], [code, reason, expected]);
}

let lastUser = 2_000_000;

/** Ids of users that no other test of the file has. */
export function uniqueUsers(count: number): number[] {
  return Array.from({ length: count }, () => ++lastUser);
}
