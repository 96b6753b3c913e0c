// Reads streams of wallets in tests, and holds what they told against the history of the wallet.
import assert from 'node:assert/strict';
import { type Connection, connect, type Json } from '../../clients/typescript/src/connection.ts';
import type { PpuriError } from '../../clients/typescript/src/error.ts';
import { actingAs } from '../api.ts';
import type { Stack } from '../stack.ts';
import { until } from '../until.ts';

export const WATCH = 'wallet.v2.WalletService/WatchWallet';

/** What a message tells. */
export type Kind = 'snapshot' | 'transaction' | 'gap' | 'heartbeat';

/** A message: what it tells, its cursor, and what is in it. */
export interface Told {
  readonly kind: Kind;
  readonly cursor: string;
  readonly body: Json;
}

/** An open stream: its messages so far, and how it ended. */
export interface Reading {
  readonly told: readonly Told[];
  readonly ended: Promise<PpuriError | 'OK'>;
  /** Waits for a message, and returns it. */
  next(kind: Kind): Promise<Told>;
  stop(): void;
}

export function toTold({ cursor, ...rest }: Json): Told {
  const [[kind, body] = []] = Object.entries(rest);
  assert.ok(kind, 'a message that tells nothing');
  return { kind: kind as Kind, cursor: String(cursor), body: body as Json };
}

/** Watches a wallet. */
export function watch(client: Connection, user: number, wallet_id: string, after_cursor = ''): Reading {
  const leaving = new AbortController();
  const told: Told[] = [];
  let seen = 0;
  const read = async () => {
    const request = { wallet_id, after_cursor };
    for await (const message of client.stream(WATCH, request, actingAs(user), { signal: leaving.signal }))
      told.push(toTold(message));
  };
  const ended: Promise<PpuriError | 'OK'> = read().then(
    () => 'OK',
    (error) => error as PpuriError,
  );
  const next = async (kind: Kind) => {
    await until(`${kind} after ${told.map((one) => one.kind)}`, () => told.length > seen);
    const message = told[seen++];
    assert.equal(message?.kind, kind);
    return message as Told;
  };
  return { told, ended, next, stop: () => leaving.abort() };
}

/** A client that tries once. */
export const clientOf = (stack: Stack) => connect(stack.grpcAddress, stack.key, { retry: false });

/** What does not change of a transaction. */
export function essence(transaction: Json): string {
  const { transfer_id, amount, created_at, kind } = transaction.transfer as Json;
  const { direction, balance_after } = transaction;
  return JSON.stringify([transfer_id, kind, amount, created_at, direction, balance_after]);
}

/** The transactions among messages. */
export const transactionsOf = (told: readonly Told[]) =>
  told.filter(({ kind }) => kind === 'transaction').map(({ body }) => essence(body));

/** The whole history of a wallet, oldest first, as the lists tell it. */
export async function historyOf(client: Connection, user: number, wallet_id: string): Promise<string[]> {
  const rpc = 'wallet.v2.WalletService/ListTransactions';
  const history: string[] = [];
  for await (const { transactions } of client.pages(rpc, { wallet_id, page_size: 100 }, actingAs(user)))
    history.push(...(transactions as Json[]).map(essence));
  return history.reverse();
}
