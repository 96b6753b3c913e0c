// Callers who pay each other without pause, each payment under its idempotency key until it is answered, and remember every answer.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, Json } from '../../../clients/typescript/src/connection.ts';
import type { Identity } from '../../../clients/typescript/src/headers.ts';
import { DEMO_USERS } from '../../cli/dev-info.ts';

/** A payment that was answered with OK. */
export interface Paid {
  /** The idempotency key, which is also its memo. */
  readonly key: string;
  readonly transferId: string;
  readonly payer: bigint;
  /** In milliseconds since 1970. */
  readonly answeredAt: number;
}

/** Callers at work. */
export interface Payers {
  readonly paid: readonly Paid[];
  /** Resolves with the next payment that is answered with OK. */
  next(): Promise<Paid>;
  /** Makes no attempt until it is called with false; resolves when none is under way. */
  pause(isPaused: boolean): Promise<void>;
  /** Lets each caller's payment be answered, and stops. */
  stop(): Promise<void>;
}

/** A balance that a caller was shown. */
export interface ShownBalance {
  readonly walletId: string;
  readonly minorUnits: string;
}

const PAUSE_MS = 5;
const RETRY_MS = 100;
const TIMEOUT_MS = 5_000;
/** How long a payment is tried at the end, in milliseconds. */
const GIVE_UP_MS = 60_000;

/**
 * Starts one caller for each demo user; each reads its balance after every fourth payment, which fills the cache. Each pays
 * another amount (1, 2, 3 … won), so that payments back and forth don't cancel out and a balance of before is a wrong one.
 */
export function startPayers(callers: readonly Connection[], wallets: ReadonlyMap<bigint, string>): Payers {
  const paid: Paid[] = [];
  let woken = Promise.withResolvers<Paid>();
  let isStopping = false;
  let isPaused = false;
  let underWay = 0;
  let settled = Promise.withResolvers<void>();
  const attempt = async (caller: Connection, request: Json, identity: Identity) => {
    underWay += 1;
    const answer = await caller
      .call('wallet.v2.TransferService/CreateTransfer', request, identity, { timeoutMs: TIMEOUT_MS })
      .catch(() => undefined);
    underWay -= 1;
    if (underWay === 0) settled.resolve();
    return answer;
  };
  const pay = async (round: number, from: bigint, to: bigint, amount: number) => {
    const key = crypto.randomUUID();
    const request = {
      debit_wallet_id: wallets.get(from) ?? '',
      credit_user_id: String(to),
      amount: { currency_code: 'KRW', minor_units: String(amount) },
      memo: key,
    };
    const caller = callers[round % callers.length] as Connection;
    for (const began = Date.now(); ; await sleep(RETRY_MS)) {
      if (isPaused) continue;
      const identity = { userId: String(from), idempotencyKey: key };
      const answer = await attempt(caller, request, identity);
      if (!answer && isStopping && Date.now() - began > GIVE_UP_MS) return;
      if (!answer) continue;
      const transferId = String((answer.transfer as Json).transfer_id);
      const one = { key, transferId, payer: from, answeredAt: Date.now() };
      paid.push(one);
      woken.resolve(one);
      woken = Promise.withResolvers<Paid>();
      return;
    }
  };
  const run = async (index: number) => {
    const from = DEMO_USERS[index] ?? 0n;
    for (let round = 0; !isStopping; round++) {
      const to = DEMO_USERS[(index + 1 + (round % (DEMO_USERS.length - 1))) % DEMO_USERS.length] ?? 0n;
      await pay(round, from, to, index + 1);
      const caller = callers[Math.floor(round / 4) % callers.length] as Connection;
      if (round % 4 === 0) await showBalance(caller, from, wallets).catch(() => {});
      await sleep(PAUSE_MS);
    }
  };
  const running = DEMO_USERS.map((_, index) => run(index));
  return {
    paid,
    next: () => woken.promise,
    pause: async (paused) => {
      isPaused = paused;
      if (!paused || underWay === 0) return;
      settled = Promise.withResolvers<void>();
      await settled.promise;
    },
    stop: async () => {
      isStopping = true;
      await Promise.all(running);
    },
  };
}

/** The default wallet of each demo user. */
export async function findWallets(caller: Connection): Promise<Map<bigint, string>> {
  const wallets = new Map<bigint, string>();
  for (const user of DEMO_USERS) {
    const answer = await caller.call('wallet.v2.WalletService/ListWallets', {}, { userId: String(user) });
    const found = ((answer.wallets ?? []) as Json[]).find((wallet) => wallet.is_default);
    wallets.set(user, String(found?.wallet_id));
  }
  return wallets;
}

/** Reads a balance as its owner does. */
export async function showBalance(
  caller: Connection,
  user: bigint,
  wallets: ReadonlyMap<bigint, string>,
): Promise<ShownBalance> {
  const walletId = wallets.get(user) ?? '';
  const identity = { userId: String(user) };
  const request = { wallet_id: walletId };
  const answer = await caller.call('wallet.v2.WalletService/GetBalance', request, identity, {
    timeoutMs: TIMEOUT_MS,
  });
  return { walletId, minorUnits: String((answer.balance as Json).minor_units) };
}

/** The longest time without a payment that was answered, of those that end after the damage and begin before `until`. */
export function longestGapSeconds(paid: readonly Paid[], damagedAt: number, until: number): number {
  const answers = paid.map(({ answeredAt }) => answeredAt).filter((at) => at < until);
  const moments = [...answers.sort((a, b) => a - b), until];
  const gaps = moments.slice(1).map((at, index) => (at > damagedAt ? at - (moments[index] ?? at) : 0));
  return Math.max(0, ...gaps) / 1000;
}
