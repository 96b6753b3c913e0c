// How a process goes: it says so first, loses no call, ends its streams, and never takes longer than it may.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import type pg from 'pg';
import { connect, type Json } from '../../clients/typescript/src/connection.ts';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { actingAs, as } from '../api.ts';
import { type ApiClient, grpcClient } from '../api-client.ts';
import { makeKey } from '../keys.ts';
import { type ServerProcess, startServerProcess } from '../processes.ts';
import {
  assertBooksBalance,
  makeDatabase,
  ownerPool,
  peopleOf,
  serverEnv,
  type TestDatabase,
} from '../stack.ts';
import { fundDirectly } from '../test-ledger.ts';
import { until, untilLocked } from '../until.ts';
import { type HealthClient, healthClient, readPage } from './ops-client.ts';

const ANNA = 9501;
const BO = 9502;
const CALLERS = 32;
let database: TestDatabase;
let folder: string;
let key: SigningKey;
let db: pg.Pool;
let server: ServerProcess;
let client: ApiClient;
let health: HealthClient;

before(async () => {
  database = await makeDatabase();
  folder = mkdtempSync(join(tmpdir(), 'ppuri-stop-'));
  key = await makeKey(database);
  db = ownerPool(database);
  await peopleOf(database).addUsers([ANNA, BO]);
  await fundDirectly(database, [ANNA], 1_000_000);
});
after(async () => {
  await server?.kill();
  client?.close();
  health?.close();
  await assertBooksBalance(db).finally(() => db.end());
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(env: Record<string, string>): Promise<void> {
  client?.close();
  health?.close();
  server = await startServerProcess({ ...serverEnv(database, folder), ...env });
  client = grpcClient(server.address, key);
  health = healthClient(server.address);
}

const pay = () => as(ANNA, client).pay(BO, 1);

async function transferCount(): Promise<number> {
  const { rows } = await db.query(`SELECT count(*)::int AS count FROM transfers WHERE kind = 'transfer'`);
  return rows[0].count;
}

/** Does something while no transfer can be made, as by somebody who never ends his transaction. */
async function whileLocked(work: () => Promise<void>): Promise<void> {
  const holder = await db.connect();
  try {
    await holder.query('BEGIN');
    await holder.query('SELECT id FROM accounts FOR UPDATE');
    await work();
  } finally {
    await holder.query('ROLLBACK');
    holder.release();
  }
}

test('SIGTERM under load: every call is answered or was never made, streams are ended, exit code 0', async () => {
  await start({});
  const before = await transferCount();
  const watched = health.watch('');
  await until('the stream is open', () => watched.statuses.length === 1, 5000);
  let answered = 0;
  const refused = new Set<string>();
  let isOver = false;
  const caller = async () => {
    while (!isOver) {
      const { reason, status: code } = await pay();
      if (code === 0) answered += 1;
      else refused.add(reason || status[code] || '');
      if (code !== 0) return;
    }
  };
  const load = Promise.all(Array.from({ length: CALLERS }, caller));
  await until('there is load', () => answered > 200, 20_000);
  assert.equal(await server.stop(), 0);
  isOver = true;
  await load;
  assert.equal((await transferCount()) - before, answered, 'as many transfers as answers that said so');
  // The client itself says UNAVAILABLE, without a reason of ours, where nobody listens any more.
  assert.deepEqual(
    [...refused].filter((why) => why !== 'UNAVAILABLE'),
    [],
  );
  assert.deepEqual(watched.statuses, ['SERVING', 'NOT_SERVING']);
  assert.equal((await watched.ended).code, status.UNAVAILABLE);
});

test('while it drains it is NOT_SERVING, and still serves calls', async () => {
  await start({ STOP_DRAIN_MS: '4000' });
  const stoppedAt = performance.now();
  const ended = server.stop();
  await until('health says so', async () => (await health.check('')) === 'NOT_SERVING', 4000);
  const { status: code, body } = await readPage(server.opsUrl, '/readyz');
  assert.equal(code, 503);
  assert.deepEqual(body.away, [{ dependency: 'process', reason: 'it is stopping' }]);
  assert.equal((await readPage(server.opsUrl, '/healthz')).status, 200);
  assert.equal((await pay()).status, 0);
  assert.equal(await ended, 0);
  assert.ok(performance.now() - stoppedAt >= 4000);
});

test('an open watch of a payout is ended with UNAVAILABLE, and does not delay the stop', async () => {
  await start({ STOP_GRACE_MS: '60000' });
  const identity = actingAs(ANNA);
  const { wallets } = (await client.call('wallet.v2.WalletService/ListWallets', {}, identity)).body;
  const wallet_id = (wallets as Json[])[0]?.wallet_id ?? '';
  const wish = { wallet_id, mode: 'PAYOUT_MODE_EACH' };
  const idempotencyKey = crypto.randomUUID();
  const made = await client.call('wallet.v2.PayoutService/CreatePayout', wish, {
    ...identity,
    idempotencyKey,
  });
  const payout_id = made.at('payout', 'payout_id') ?? '';
  const connection = connect(server.address, key, { retry: false });
  const watch = connection.stream('wallet.v2.PayoutService/WatchPayout', { payout_id }, identity);
  assert.equal((await watch.next()).done, false);
  const next = watch.next().catch((error) => error);
  const stoppedAt = performance.now();
  assert.equal(await server.stop(), 0);
  // Far less than the minute that calls under way would get.
  assert.ok(performance.now() - stoppedAt < 20_000);
  const { code, reason, retryAfterMs } = await next;
  assert.deepEqual([code, reason, retryAfterMs], ['ERR009', 'UNAVAILABLE', 1000]);
  connection.close();
});

test('a call under way when it stops gets its time', async () => {
  await start({});
  const before = await transferCount();
  let paying: ReturnType<typeof pay> | undefined;
  let ended: Promise<number | null> | undefined;
  await whileLocked(async () => {
    paying = pay();
    await untilLocked(db);
    ended = server.stop();
    await until('it has heard', async () => (await health.check('').catch(() => 'gone')) !== 'SERVING');
  });
  assert.equal((await paying)?.status, 0);
  assert.equal(await ended, 0);
  assert.equal((await transferCount()) - before, 1);
});

test('a call that never ends is cut off when its time is up; exit 1 says so', async () => {
  await start({ STOP_GRACE_MS: '1000' });
  await whileLocked(async () => {
    const paying = pay();
    await untilLocked(db);
    const stoppedAt = performance.now();
    assert.equal(await server.stop(), 1);
    // Far less than the time that calls get unless told otherwise.
    assert.ok(performance.now() - stoppedAt < 10_000);
    assert.notEqual((await paying).status, 0);
  });
});

test('a second signal ends it at once', async () => {
  await start({ STOP_DRAIN_MS: '60000' });
  server.signal('SIGTERM');
  await until('it has heard', async () => (await health.check('')) === 'NOT_SERVING');
  const askedAt = performance.now();
  server.signal('SIGINT');
  assert.equal(await server.ended, 1);
  assert.ok(performance.now() - askedAt < 20_000);
});
