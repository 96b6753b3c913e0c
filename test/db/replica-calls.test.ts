// Two whole servers over a primary and a replica: which calls the replica answers, and that nobody can tell by them.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { createServerProgram, type ServerProgram } from '../../src/server/compose.ts';
import { readServerConfig } from '../../src/server/config.ts';
import { type Answer, type ApiClient, grpcClient, type Identity, type Json } from '../api-client.ts';
import { makeKey } from '../keys.ts';
import { readMetrics, sumOf } from '../runtime/ops-client.ts';
import { assertBooksBalance, ownerPool, peopleOf, serverEnv } from '../stack.ts';
import { until } from '../until.ts';
import { type OwnReplica, startOwnReplica } from './own-replica.ts';

const ROOM = 'replica-room';
const [ANN, BEN] = [9101, 9102];
let own: OwnReplica;
const apps: ServerProgram[] = [];
const clients: ApiClient[] = [];
let logDir: string;
let key: SigningKey;
let isPromoted = false;

const database = () => ({
  ...own.primary,
  ...(isPromoted && { ownerUrl: own.ownerUrl, appUrl: own.appUrl }),
  drop: async () => {},
});

async function start(env: Record<string, string>): Promise<void> {
  const app = await createServerProgram(readServerConfig({ ...serverEnv(database(), logDir), ...env }));
  apps.push(app);
  clients.push(grpcClient(`127.0.0.1:${app.grpcPort}`, key));
}

async function stopAll(): Promise<void> {
  for (const client of clients.splice(0)) client.close();
  for (const app of apps.splice(0)) await app.stop();
}

before(async () => {
  own = await startOwnReplica();
  logDir = mkdtempSync(join(tmpdir(), 'ppuri-replica-'));
  // One connection each, so that what the replica was asked last can be seen.
  const replica = { REPLICA_URL: own.appUrl, REPLICA_CONNECTIONS: '1' };
  key = await makeKey(database());
  for (let count = 0; count < 2; count++)
    await start({ ...replica, REPLICA_TIMEOUT_MS: '300', REPLICA_LAG_MS: '100' });
  const people = peopleOf(database(), clients[0]);
  await people.addUsers([ANN, BEN]);
  await people.addRoom(ROOM, [ANN, BEN]);
  await people.fund([ANN, BEN], 1_000_000);
});
after(async () => {
  await stopAll();
  if (own) {
    const db = ownerPool(database());
    await assertBooksBalance(db).finally(() => db.end());
  }
  await own?.stop();
  if (logDir) rmSync(logDir, { recursive: true, force: true });
});

/** A call to one of the servers, which must go well. */
async function call(
  server: 0 | 1,
  rpc: string,
  request: Json,
  more: Partial<Identity> = {},
): Promise<Answer> {
  const answer = await (clients[server] as ApiClient).call(rpc, request, { userId: String(ANN), ...more });
  assert.equal(answer.status, 0, `${rpc}: ${answer.code} ${answer.reason}`);
  return answer;
}

const paying = () => ({ idempotencyKey: crypto.randomUUID() });
const pay = (server: 0 | 1, memo = '') =>
  call(server, 'wallet.v1.WalletService/Transfer', { to_user_id: BEN, amount: 1, memo }, paying());

/** What the servers have asked the replica last, and when. */
async function lastOnReplica(): Promise<{ at: string; query: string }[]> {
  const { rows } = await own.query(
    `SELECT query_start::text AS at, query FROM pg_stat_activity WHERE usename = 'ppuri_app' ORDER BY query_start`,
  );
  return rows;
}

async function walletOfAnn(): Promise<string> {
  const { body } = await call(0, 'wallet.v2.WalletService/ListWallets', {});
  return String((body.wallets as Json[])[0]?.wallet_id);
}

test('lists and lookups come from the replica', async () => {
  const wallet_id = await walletOfAnn();
  const transfer_id = (await pay(0)).body.transaction_id ?? '';
  const room = { room_id: ROOM };
  const inRoom = { roomId: ROOM };
  const money = { amount: { currency_code: 'KRW', minor_units: 10 }, headcount: 2 };
  const made = await call(
    0,
    'wallet.v2.SprinkleService/CreateSprinkle',
    { ...room, wallet_id, ...money },
    paying(),
  );
  const sprinkle_id = made.at('sprinkle', 'sprinkle_id') ?? '';
  const token = made.at('sprinkle', 'token') ?? '';
  // Postgres shows the first 1,024 bytes of a query: of the search, not where it reads from.
  const calls: readonly [rpc: string, request: Json, seen: string, more?: Partial<Identity>][] = [
    ['wallet.v1.WalletService/ListTransactions', { page_size: 50 }, 'FROM transfers'],
    ['wallet.v2.WalletService/ListTransactions', { wallet_id, page_size: 50 }, 'FROM transfers'],
    [
      'wallet.v2.WalletService/ListTransactions',
      { wallet_id, kinds: ['TRANSFER_KIND_TRANSFER'] },
      't.debit_balance_after',
    ],
    ['wallet.v2.TransferService/GetTransfer', { transfer_id }, 'FROM transfers'],
    ['wallet.v2.SprinkleService/ListSprinkles', room, 'FROM sprinkles'],
    ['wallet.v2.SprinkleService/GetSprinkle', { ...room, sprinkle_id }, 'FROM sprinkle_claims'],
    ['wallet.v1.SprinkleService/GetSprinkle', { token }, 'FROM sprinkle_claims', inRoom],
  ];
  for (const [rpc, request, seen, more] of calls) {
    // One that was too slow once, on a busy machine, is left to the primary; not one that is tried again and again.
    await until(`${rpc} ${JSON.stringify(request)} comes from the replica`, async () => {
      const before = (await lastOnReplica()).at(-1)?.at ?? '';
      await call(0, rpc, request, more);
      const last = (await lastOnReplica()).at(-1);
      return last !== undefined && last.at > before && last.query.includes(seen);
    });
  }
});

test('balances never come from the replica, nor does anything that cache entries are filled from', async () => {
  const wallet_id = await walletOfAnn();
  const before = await until('the replica is used', async () => {
    await call(0, 'wallet.v1.WalletService/ListTransactions', { page_size: 50 });
    const asked = await lastOnReplica();
    return asked.length > 0 && asked;
  });
  for (const server of [0, 1] as const) {
    await pay(server);
    await call(server, 'wallet.v1.WalletService/GetBalance', {});
    await call(server, 'wallet.v1.WalletService/ListTransactions', { page_size: 20 });
    await call(server, 'wallet.v2.WalletService/GetBalance', { wallet_id });
    await call(server, 'wallet.v2.WalletService/GetBalance', { wallet_id, as_of: '2030-01-01T00:00:00Z' });
    await call(server, 'wallet.v2.WalletService/BatchGetBalances', { wallet_ids: [wallet_id] });
    await call(server, 'wallet.v2.WalletService/GetWallet', { wallet_id });
    await call(server, 'wallet.v2.WalletService/ListWallets', {});
  }
  assert.deepEqual(await lastOnReplica(), before);
});

/** Pays at one server and lists at the other, again and again; the payment must be the newest of the list. */
async function payAndList(rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const [here, there] = round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const);
    const { body } = await pay(here);
    const listed = await call(there, 'wallet.v1.WalletService/ListTransactions', { page_size: 50 });
    assert.equal(listed.list('transactions')[0]?.transaction_id, body.transaction_id);
    const transfer_id = body.transaction_id ?? '';
    await call(there, 'wallet.v2.TransferService/GetTransfer', { transfer_id });
  }
}

test('a payment at one server is in the list at the other, however far the replica lags', async () => {
  await payAndList(20);
  for (const ms of [15, 500]) {
    await own.delay(ms);
    await payAndList(20);
  }
  await own.delay(0);
});

test('the replica stands still, hangs or is gone: no call fails, and no list is wrong', async () => {
  await own.query('SELECT pg_wal_replay_pause()');
  await payAndList(20);
  await own.query('SELECT pg_wal_replay_resume()');
  own.freeze();
  await payAndList(20);
  own.thaw();
  await own.kill();
  await payAndList(20);
  await own.restart();
  await payAndList(20);
});

const balance = async () => Number((await call(0, 'wallet.v1.WalletService/GetBalance', {})).body.balance);

test('the primary is lost with its last payment, and the replica promoted: no cache entry shows that payment', async () => {
  const db = ownerPool(database());
  const { rows } = await db.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn');
  await db.end();
  const hasAll = async (): Promise<boolean> =>
    (await own.query(`SELECT pg_last_wal_replay_lsn() >= '${rows[0]?.lsn}' AS has_all`)).rows[0].has_all;
  await until('the replica has all', hasAll);
  await own.kill();
  const kept = await balance();
  await pay(0);
  assert.equal(await balance(), kept - 1);
  await stopAll();
  await own.primary.kill();
  await own.restart();
  await own.query('SELECT pg_promote()');
  isPromoted = true;
  await start({});
  // Once from Postgres, and once more when the new entries are trusted.
  assert.equal(await balance(), kept);
  await until('entries are trusted', async () => {
    const samples = await readMetrics(`http://127.0.0.1:${apps[0]?.opsPort}`);
    return sumOf(samples, 'ppuri_cache_trusted') === 1;
  });
  assert.equal(await balance(), kept);
  await pay(0);
  assert.equal(await balance(), kept - 1);
});
