// Many watchers through two servers that are killed in turn: what each was told is the history of its wallet, whatever broke.
// There are always two, because spare ones stand ready. WATCHERS=500 WATCH_SECONDS=60 is the large form, with a kill every 5 s.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { type Connection, connect, type Json } from '../../../clients/typescript/src/connection.ts';
import { PpuriError } from '../../../clients/typescript/src/error.ts';
import type { SigningKey } from '../../../clients/typescript/src/signature.ts';
import { actingAs, uniqueUsers, won } from '../../api.ts';
import { startTestEdge } from '../../edge.ts';
import { makeKey } from '../../keys.ts';
import { type ReplaceableServer, startReplaceableServer } from '../../replaceable-server.ts';
import { WATCH } from '../../scenarios/wallet-stream.ts';
import { withoutEdge } from '../../skip.ts';
import {
  assertBooksBalance,
  makeDatabase,
  ownerPool,
  peopleOf,
  serverEnv,
  type TestDatabase,
} from '../../stack.ts';
import { fundDirectly } from '../../test-ledger.ts';
import { until } from '../../until.ts';

const WATCHERS = Number(process.env.WATCHERS ?? 60);
const SECONDS = Number(process.env.WATCH_SECONDS ?? 6);
const KILL_EVERY_MS = Math.min(5000, (SECONDS * 1000) / 3);
const KILLS = Math.floor((SECONDS * 1000) / KILL_EVERY_MS);
const PAYERS = 8;
/** Streams on one connection; a server takes 256. */
const STREAMS_EACH = 50;
const START = 1_000_000;
/** Channels to one address share a connection otherwise, which takes 256 calls, streams among them. */
const OWN_CONNECTION = { 'grpc.use_local_subchannel_pool': 1 };

let database: TestDatabase;
let db: pg.Pool;
let key: SigningKey;
let servers: ReplaceableServer[];
let edge: Awaited<ReturnType<typeof startTestEdge>> | undefined;
let folder: string;
const users = uniqueUsers(WATCHERS);
const wallets = new Map<number, string>();

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ppuri-watchers-'));
  database = await makeDatabase();
  db = ownerPool(database);
  key = await makeKey(database);
  // A quarter of the calls may be streams, and all of them may meet at the server that is left.
  const env = { ...serverEnv(database, folder), MAX_IN_FLIGHT: String(8 * WATCHERS + 1000) };
  await peopleOf(database).addUsers(users);
  await fundDirectly(database, users, START);
  const { rows } = await db.query("SELECT id, owner_user_id FROM accounts WHERE kind = 'wallet'");
  for (const { id, owner_user_id } of rows) wallets.set(Number(owner_user_id), id);
  const kills = [Math.ceil(KILLS / 2), Math.floor(KILLS / 2)];
  servers = await Promise.all(kills.map((count) => startReplaceableServer(env, count)));
  if (!withoutEdge)
    edge = await startTestEdge(
      folder,
      servers.map(({ port }) => port),
    );
});
after(async () => {
  await edge?.stop();
  await Promise.all(servers.map((server) => server.stop()));
  await assertBooksBalance(db).finally(() => db.end());
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

/** What a watcher was told: transfers with the balance after each, in the order in which they came. */
interface Watcher {
  readonly user: number;
  readonly told: string[];
  readonly kinds: Set<string>;
  cursor: string;
  breaks: number;
}

function note(watcher: Watcher, { cursor, transaction, ...rest }: Json): void {
  watcher.cursor = String(cursor);
  watcher.kinds.add(transaction ? 'transaction' : String(Object.keys(rest)[0]));
  if (!transaction) return;
  const { transfer, balance_after } = transaction as { transfer: Json; balance_after: Json };
  watcher.told.push(`${transfer.transfer_id} ${balance_after.minor_units}`);
}

/** Comes back with the last cursor, each time over the next connection, which leads to another server. */
async function comeBack(watcher: Watcher, connections: readonly Connection[], signal: AbortSignal) {
  for (let turn = watcher.user; !signal.aborted; turn++) {
    const connection = connections[turn % connections.length] as Connection;
    const request = { wallet_id: wallets.get(watcher.user), after_cursor: watcher.cursor };
    try {
      for await (const message of connection.stream(WATCH, request, actingAs(watcher.user), { signal }))
        note(watcher, message);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof PpuriError) || ![1, 4, 14].includes(error.status)) throw error;
      watcher.breaks += 1;
      await sleep(100);
    }
  }
}

/** Leaves it to the client to come back. */
async function stay(watcher: Watcher, connection: Connection, signal: AbortSignal) {
  const request = { wallet_id: wallets.get(watcher.user) };
  try {
    for await (const message of connection.stream(WATCH, request, actingAs(watcher.user), { signal }))
      note(watcher, message);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** What a wallet's history says of everything since it was funded. */
async function historyOf(user: number): Promise<string[]> {
  const text = `SELECT id || ' ' || CASE debit_account_id WHEN $1 THEN debit_balance_after ELSE credit_balance_after END AS line
    FROM transfers WHERE $1 IN (debit_account_id, credit_account_id) AND kind = 'transfer' ORDER BY created_at, id`;
  return (await db.query(text, [wallets.get(user)])).rows.map(({ line }) => line);
}

test(`${WATCHERS} watchers are told the whole history of their wallets through servers that are killed`, async (t) => {
  const leaving = new AbortController();
  const open: Connection[] = [];
  const opened = (address: string, retry: boolean) => {
    const connection = connect(address, key, { ...OWN_CONNECTION, ...(!retry && { retry }) });
    open.push(connection);
    return connection;
  };
  const watchers = users.map(
    (user): Watcher => ({ user, told: [], kinds: new Set(), cursor: '', breaks: 0 }),
  );
  const addresses = servers.map(({ port }) => `127.0.0.1:${port}`);
  const following: Promise<void>[] = [];
  for (let start = 0; start < watchers.length; start += STREAMS_EACH) {
    const once = addresses.map((address) => opened(address, false));
    for (const [index, watcher] of watchers.slice(start, start + STREAMS_EACH).entries())
      following.push(
        // Each with the retries of a connection of its own: a few that share them use them up where servers die so often.
        index % 5 === 0
          ? stay(watcher, opened(edge ? edge.restUrl : (addresses[0] ?? ''), true), leaving.signal)
          : comeBack(watcher, once, leaving.signal),
      );
  }
  const failed = Promise.all(following).then(() => undefined);
  await Promise.race([failed, until('all have begun', () => watchers.every(({ cursor }) => cursor !== ''))]);

  let isPaying = true;
  let paid = 0;
  const pay = async (payer: number) => {
    const connection = opened(addresses[payer % 2] ?? '', true);
    for (let turn = payer; isPaying; turn += 7) {
      const [from, to] = [users[turn % WATCHERS] ?? 0, users[(turn * 5 + 1) % WATCHERS] ?? 0];
      if (from === to) continue;
      const request = { debit_wallet_id: wallets.get(from), credit_user_id: String(to), amount: won(1) };
      const call = connection.call('wallet.v2.TransferService/CreateTransfer', request, actingAs(from));
      // What became of it stands in the history.
      await call.then(
        () => (paid += 1),
        (error) => assert.ok(error instanceof PpuriError),
      );
    }
  };
  const paying = Array.from({ length: PAYERS }, (_, payer) => pay(payer));
  const killedAt = [performance.now()];
  for (let kill = 0; kill < KILLS; kill++) {
    await sleep(Math.max(0, (killedAt[0] ?? 0) + (kill + 1) * KILL_EVERY_MS - performance.now()));
    await servers[kill % 2]?.kill();
    killedAt.push(performance.now());
  }
  isPaying = false;
  await Promise.race([failed, Promise.all(paying)]);

  for (const watcher of watchers) {
    const history = await historyOf(watcher.user);
    await Promise.race([
      failed,
      until('everything is told', () => watcher.told.length >= history.length).catch(() => {}),
    ]);
    assert.deepEqual(watcher.told, history, `of user ${watcher.user}`);
    assert.ok(!watcher.kinds.has('gap'));
  }
  leaving.abort();
  await failed;
  for (const connection of open) connection.close();
  const breaks = watchers.reduce((sum, watcher) => sum + watcher.breaks, 0);
  const told = watchers.reduce((sum, watcher) => sum + watcher.told.length, 0);
  const longestMs = Math.max(...killedAt.slice(1).map((at, index) => at - (killedAt[index] ?? 0)));
  t.diagnostic(`${paid} transfers, ${KILLS} kills, at most ${Math.round(longestMs)} ms apart`);
  t.diagnostic(`${breaks} streams came back by hand; ${told} messages, each replay equal to its history`);
  assert.ok(paid > 0 && breaks > 0);
});
