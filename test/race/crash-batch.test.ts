// The server is killed while it posts batches whose answers nobody hears: each is there whole or not at all, and its
// retry, over another server, posts what is missing and gets the one answer.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type pg from 'pg';
import { actingAs } from '../api.ts';
import { type Answer, type ApiClient, grpcClient, type Json } from '../api-client.ts';
import { makeKey } from '../keys.ts';
import { startServerProcess } from '../processes.ts';
import { assertBooksBalance, makeDatabase, ownerPool, peopleOf, serverEnv } from '../stack.ts';
import { startTcpProxy } from '../tcp-proxy.ts';
import { until } from '../until.ts';

const [ANNA, BO] = [7101, 7102];
const BATCHES = 60;
const ITEMS = 50;

async function countOf(db: pg.Pool): Promise<number> {
  const { rows } = await db.query(`SELECT count(*)::int AS count FROM transfers WHERE kind = 'transfer'`);
  return rows[0].count;
}

/** Batches of one won each; every other one brings an item that is refused, and still posts the others. */
function batchOf(wallet: string, index: number): Json {
  const item = (amount: number) => ({
    debit_wallet_id: wallet,
    credit_user_id: String(BO),
    amount: { currency_code: 'KRW', minor_units: String(amount) },
  });
  const items = Array.from({ length: ITEMS }, () => item(1));
  return index % 2 === 0
    ? { items, mode: 'BATCH_MODE_ALL_OR_NOTHING' }
    : { items: [item(1_000_000_000), ...items], mode: 'BATCH_MODE_EACH' };
}

const send = (client: ApiClient, wallet: string, index: number): Promise<Answer> =>
  client.call('wallet.v2.TransferService/BatchCreateTransfers', batchOf(wallet, index), {
    userId: String(ANNA),
    idempotencyKey: `batch-${index}`,
  });

test('SIGKILL among batches whose answers are lost: whole or not at all, and retried exactly once', async () => {
  const database = await makeDatabase();
  const logDir = mkdtempSync(join(tmpdir(), 'ppuri-crash-'));
  const env = serverEnv(database, logDir);
  const key = await makeKey(database);
  const db = ownerPool(database);

  const first = await startServerProcess({ ...env, LEDGER_MAX_BATCH: '100' });
  const proxy = await startTcpProxy(first.grpcPort);
  const near = grpcClient(first.address, key);
  const far = grpcClient(`127.0.0.1:${proxy.port}`, key);
  const people = peopleOf(database, near);
  await people.addUsers([ANNA, BO]);
  await people.fund([ANNA], BATCHES * ITEMS);
  const { rows } = await db.query('SELECT id FROM accounts WHERE owner_user_id = $1', [ANNA]);
  const wallet = String(rows[0].id);
  // Something must have been heard before, or no connection would be there to lose answers on.
  const heard = await far.call('wallet.v1.WalletService/GetBalance', {}, actingAs(ANNA));
  assert.equal(heard.status, 0);
  proxy.loseAnswers();
  const unheard = Array.from({ length: BATCHES }, (_, index) => send(far, wallet, index));
  // Killed once some are on disk; that the others are still on their way is likely and not needed.
  await until('some are on disk', async () => (await countOf(db)) > 0);
  await first.kill();
  proxy.close();
  for (const answer of await Promise.all(unheard)) assert.notEqual(answer.status, 0);
  const onDisk = await countOf(db);
  assert.ok(onDisk > 0);
  assert.equal(onDisk % ITEMS, 0, 'a batch is there in part');
  await assertBooksBalance(db);
  near.close();
  far.close();

  const second = await startServerProcess(env);
  const client = grpcClient(second.address, key);
  const retry = () => Promise.all(Array.from({ length: BATCHES }, (_, index) => send(client, wallet, index)));
  const answers = await retry();
  const again = await retry();
  const posted = answers.flatMap((answer) => answer.list('results')).filter((result) => 'posted' in result);
  assert.equal(posted.length, BATCHES * ITEMS);
  assert.deepEqual(
    again.map(({ body }) => body),
    answers.map(({ body }) => body),
  );
  assert.equal(await countOf(db), BATCHES * ITEMS);
  await assertBooksBalance(db);
  client.close();
  await second.stop();
  await db.end();
  await database.drop();
  rmSync(logDir, { recursive: true, force: true });
});
