// Old months move to the archive and stay readable; cut off anywhere, every transfer is in one place or the other, once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { attestMonth, copyMonth, verifyMonth } from '../../src/db/archive/index.ts';
import { findTransfersAnywhere } from '../../src/db/archive/reads.ts';
import { sealFeed } from '../../src/db/feed/index.ts';
import { reconcile } from '../../src/db/jobs/reconciliation.ts';
import type { Pool } from '../../src/db/pool.ts';
import { archiveTransfers } from '../../src/worker/jobs/archive-transfers.ts';
import { actingAs } from '../api.ts';
import type { Json } from '../api-client.ts';
import { workerEnv } from '../processes.ts';
import { startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { makeDatabase, type Stack, startStack } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';
import {
  type ArchiveDatabase,
  makeArchive,
  monthsAgo,
  restoreArchived,
  writeHistory,
} from './archive-database.ts';
import { startChaos } from './chaos.ts';

const [ANNA, BO] = [8101, 8102];
const A_MONTH = 25;
const BIG_MONTH = 60_000;
const running = new AbortController().signal;
let stack: Stack;
let archive: ArchiveDatabase;
let archived: pg.Pool;
let pools: [live: Pool, archive: Pool];
before(async () => {
  const database = await makeDatabase();
  archive = await makeArchive(database);
  archived = new pg.Pool({ connectionString: archive.ownerUrl, max: 2 });
  archived.on('error', () => {});
  stack = await startStack({ database, env: { ARCHIVE_DATABASE_URL: archive.appUrl } });
  await stack.addUsers([ANNA]);
  await writeHistory(stack.db, ANNA, [5, 4, 3, 2], A_MONTH);
  await stack.fund([ANNA], 1000);
  const open = (url: string) => createTestPool(url, { statementTimeoutMs: 60_000 });
  pools = [open(stack.database.workerUrl), open(archive.workerUrl)];
});
after(async () => {
  await Promise.all([...pools.map((pool) => pool.end()), archived.end()]);
  await restoreArchived(stack.db, archive);
  await stack.stop();
  await archive.drop();
});

const me = actingAs(ANNA);
const job = (afterMonths: number) =>
  archiveTransfers({ live: pools[0], archive: pools[1], afterMonths }).run({}, running);

/** What the worker asks for a month that it takes to be copied. */
const release = (month: Date) =>
  pools[0].query('SELECT release_month($1)', [month.toISOString().slice(0, 10)]);

let reconciled: Promise<void> | undefined;
/** Reconciles the ledger, once for all tests: what they do to its months by hand would be found the next time. */
function reconcileOnce(): Promise<void> {
  reconciled ??= reconcile(pools[0]).then(({ faults }) => assert.deepEqual(faults, []));
  return reconciled;
}

/** Brings the archive to where a test begins; what is archived already stays there. */
async function archiveBefore(afterMonths: number): Promise<void> {
  await reconcileOnce();
  await sealFeed(pools[0]);
  await job(afterMonths);
}

/** All of Anna's transactions, page by page. */
async function history(): Promise<string[]> {
  const all: string[] = [];
  for (let page_token = ''; ; ) {
    const request = { page_size: 7, page_token };
    const page = await stack.grpc.call('wallet.v1.WalletService/ListTransactions', request, me);
    assert.equal(page.status, 0, page.reason);
    all.push(...page.list('transactions').map((one) => JSON.stringify(one)));
    page_token = String(page.body.next_page_token);
    if (page_token === '') return all;
  }
}

test('no month is archived before the ledger was reconciled through it', async () => {
  assert.deepEqual(await job(3), { months: 0, transfers: 0, waitsFor: 'reconcile-ledger' });
  // The database does not take the worker's word for it.
  await assert.rejects(release(monthsAgo(5)), /has not been reconciled/);
  await reconcileOnce();
});

test('a worker that lies lets no month go', async () => {
  await reconcileOnce();
  const [live, there] = pools;
  const [from, later] = [monthsAgo(5), monthsAgo(4)].map((at) => at.toISOString().slice(0, 10));
  // All that it can know of the month is right, but for the archive's word.
  const { rows } = await stack.db.query(
    `SELECT transfers, amount, digest FROM measure_month('transfers', $1)`,
    [from],
  );
  const { transfers, amount, digest } = rows[0];
  assert.equal(transfers, String(A_MONTH));
  const verify = (signature: unknown) =>
    live.query('SELECT verify_archived_month($1, $2, $3, $4, $5)', [
      from,
      transfers,
      amount,
      digest,
      signature,
    ]);
  const attested = async (month?: string) =>
    (await there.query('SELECT * FROM attest_month($1)', [month])).rows[0];
  const ofAnEmptyMonth = await attested(from);
  assert.equal(ofAnEmptyMonth.transfers, '0');
  for (const signature of [
    null,
    '',
    Buffer.alloc(32),
    ofAnEmptyMonth.signature,
    (await attested(later)).signature,
  ])
    await assert.rejects(verify(signature), /did not sign/);
  // What the archive did sign is held against the rows here.
  const { rows: said } = await live.query('SELECT verify_archived_month($1, $2, $3, $4, $5) AS is_same', [
    from,
    ...['transfers', 'amount', 'digest', 'signature'].map((name) => ofAnEmptyMonth[name]),
  ]);
  assert.equal(said[0].is_same, false);
  await assert.rejects(release(monthsAgo(5)), /has not vouched/);
  await assert.rejects(release(monthsAgo(4)), /an older month/);
  for (const sql of [
    'UPDATE transfers SET amount = 1',
    'DELETE FROM transfers',
    'TRUNCATE transfers',
    'SELECT * FROM archive_secret',
    'UPDATE archive_secret SET inner_pad = outer_pad',
    `SELECT measure_month('transfers', now()::date)`,
    'CREATE TABLE mine (id integer)',
    `CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'`,
    'SET session_replication_role = replica',
    'SET ROLE ppuri_owner',
  ])
    await assert.rejects(there.query(sql), /permission denied/, sql);
});

test('no month leaves before the feed has all of its transfers', async () => {
  await reconcileOnce();
  const [live, there] = pools;
  const [from = '', to = ''] = [monthsAgo(5), monthsAgo(4)].map((at) => at.toISOString().slice(0, 10));
  const month = { from, to };
  assert.deepEqual(await job(3), { months: 0, transfers: 0, waitsFor: 'the seal of the feed' });
  // Nor does a worker that does not wait for the seal get it away.
  await copyMonth(live, there, month, 1_000, async () => true);
  assert.equal(await verifyMonth(live, month, await attestMonth(there, month)), true);
  await assert.rejects(release(monthsAgo(5)), /has transfers that are not sealed yet/);
  assert.equal((await history()).length, 4 * A_MONTH + 1);
});

test('old months leave, and lists, single transfers and old balances read as before', async () => {
  await reconcileOnce();
  await sealFeed(pools[0]);
  const before = await history();
  assert.equal(before.length, 4 * A_MONTH + 1);
  assert.deepEqual(await job(3), { months: 2, transfers: 2 * A_MONTH });
  await assert.rejects(release(monthsAgo(1)), /too young/);
  const { rows } = await stack.db.query(`SELECT count(*)::int AS n FROM transfers WHERE memo LIKE 'old %'`);
  assert.equal(rows[0].n, 2 * A_MONTH);
  assert.deepEqual(await history(), before);
  const oldest = JSON.parse(before.at(-1) ?? '{}');
  const request = { transfer_id: oldest.transaction_id };
  const found = await stack.grpc.call('wallet.v2.TransferService/GetTransfer', request, me);
  assert.equal(found.at('transfer', 'memo'), 'old 1');
  assert.equal(found.at('transfer', 'key_id'), 'old-key');
  // As the kept answer of a batch finds them.
  const ids = [oldest, JSON.parse(before[0] ?? '{}')].map(({ transaction_id }) => String(transaction_id));
  for (const some of [ids, ids.slice(0, 1), ids.slice(1)]) {
    const all = await findTransfersAnywhere({ reads: stack.db, archive: archived }, some);
    assert.deepEqual([...all.keys()].sort(), [...some].sort());
  }
  const wallets = await stack.grpc.call('wallet.v2.WalletService/ListWallets', {}, me);
  const asOf = async (at: Date) => {
    const wallet_id = String(wallets.list('wallets')[0]?.wallet_id);
    const request = { wallet_id, as_of: at.toISOString() };
    return (await stack.grpc.call('wallet.v2.WalletService/GetBalance', request, me)).at(
      'balance',
      'minor_units',
    );
  };
  assert.equal(await asOf(monthsAgo(4)), String(A_MONTH));
  assert.equal(await asOf(new Date(monthsAgo(5).getTime() + 10_000)), '10');
  assert.equal(await asOf(monthsAgo(6)), '0');
  assert.equal(await asOf(monthsAgo(3)), String(2 * A_MONTH));
});

test('a copy that differs from its original keeps the month here', async () => {
  await archiveBefore(3);
  // As if the archive had been tampered with: one won more, behind the triggers' back.
  const tamper = (by: number) =>
    archived.query(`SET session_replication_role = replica; UPDATE transfers SET amount = amount + ${by}
      WHERE id = (SELECT max(id::text)::uuid FROM transfers); SET session_replication_role = DEFAULT`);
  const { rows } = await stack.db.query(
    `SELECT json_agg(t)::text AS all FROM transfers t WHERE created_at < $1 AND created_at >= $2`,
    [monthsAgo(2), monthsAgo(3)],
  );
  await archived.query('INSERT INTO transfers SELECT * FROM json_populate_recordset(NULL::transfers, $1)', [
    rows[0].all,
  ]);
  await tamper(1);
  await assert.rejects(job(2), /is not the same/);
  assert.equal((await history()).length, 4 * A_MONTH + 1);
  await tamper(-1);
  const sign = (keyId: string) =>
    archived.query(`SET session_replication_role = replica; UPDATE transfers SET key_id = '${keyId}'
      WHERE id = (SELECT max(id::text)::uuid FROM transfers); SET session_replication_role = DEFAULT`);
  await sign('another-key');
  await assert.rejects(job(2), /is not the same/);
  await sign('old-key');
  assert.deepEqual(await job(2), { months: 1, transfers: A_MONTH });
});

test('archiving that is killed at random moments continues, and nothing is lost or doubled', {
  skip: withoutRedis,
}, async (t) => {
  await archiveBefore(2);
  // The last old month becomes large, so that there is something to be cut off.
  await stack.db.query(`DROP TABLE transfers_${monthsAgo(2).toISOString().slice(0, 7).replace('-', '_')}`);
  await stack.db.query(
    `UPDATE accounts SET balance = balance + (owner_user_id IS NULL)::int * 2 * $1 - $1, version = version - $1
     WHERE owner_user_id = $2 OR (kind = 'external' AND currency = 'KRW' AND stripe = 0)`,
    [A_MONTH, ANNA],
  );
  await writeHistory(stack.db, ANNA, [2], BIG_MONTH);
  await stack.db.query('TRUNCATE ledger_checkpoints, reconciliations');
  await reconcile(pools[0]);
  await sealFeed(pools[0]);
  const redis = await startOwnRedis();
  const env = workerEnv(stack.database, redis.url);
  const chaos = await startChaos(redis, {
    ...env,
    ARCHIVE_DATABASE_URL: archive.workerUrl,
    ARCHIVE_AFTER_MONTHS: '1',
  });
  t.diagnostic(`CHAOS_SEED=${chaos.seed}`);
  try {
    await stack.grpc.call('admin.v1.JobService/RunJob', { job: 'archive-transfers' });
    await chaos.strike(6, 1200);
    const left = async () =>
      (await stack.db.query(`SELECT count(*)::int AS n FROM transfers WHERE memo LIKE 'old %'`)).rows[0].n;
    for (const end = Date.now() + 90_000; (await left()) > 0; await sleep(200))
      assert.ok(Date.now() < end, 'stuck');
  } finally {
    await chaos.stop();
    await redis.stop();
  }
  const { rows } = await archived.query('SELECT count(*)::int AS n, sum(amount)::int AS won FROM transfers');
  assert.deepEqual(rows, [{ n: 3 * A_MONTH + BIG_MONTH, won: 3 * A_MONTH + BIG_MONTH }]);
});

test('what came by a transfer of the archive can be refunded, and says so there', async () => {
  await archiveBefore(3);
  await stack.addUsers([BO]);
  const wallet = (await stack.db.query('SELECT id FROM accounts WHERE owner_user_id = $1', [BO])).rows[0].id;
  const { rows } = await archived.query(`SELECT id, debit_account_id FROM transfers WHERE memo = 'old 1'`);
  const { id, debit_account_id: outside } = rows[0];
  const set = (kind: string, debit: string) =>
    archived.query(
      `SET session_replication_role = replica; UPDATE transfers SET kind = '${kind}', debit_account_id = '${debit}'
       WHERE id = '${id}'; RESET session_replication_role`,
    );
  // As if it had come from Bo.
  await set('transfer', wallet);
  const refund = { transfer_id: id, reason: 'An old one' };
  const as = { ...me, idempotencyKey: 'refund-of-old' };
  const refunded = await stack.grpc.call('wallet.v2.TransferService/RefundTransfer', refund, as);
  assert.equal(refunded.status, 0, refunded.reason);
  assert.equal(refunded.at('transfer', 'credit_wallet_id'), wallet);
  const again = await stack.grpc.call('wallet.v2.TransferService/RefundTransfer', refund, {
    ...me,
    idempotencyKey: 'again',
  });
  assert.equal(again.reason, 'REFUND_EXCEEDS_TRANSFER');
  const found = await stack.grpc.call('wallet.v2.TransferService/GetTransfer', { transfer_id: id }, me);
  assert.deepEqual(found.at('transfer', 'refunded_amount'), refunded.at('transfer', 'amount'));
  await set('deposit', outside);
});

test('what is attached to a transfer of the archive is found there, and filters go on in it', async () => {
  await archiveBefore(3);
  const wallet = (await stack.db.query('SELECT id FROM accounts WHERE owner_user_id = $1', [ANNA])).rows[0]
    .id;
  const { rows } = await archived.query(
    `SELECT id, created_at::text AS at FROM transfers WHERE memo = 'old 2' ORDER BY 2`,
  );
  const [{ id, at }] = rows;
  // As if it had been attached when the transfer was made.
  const attach = async (sql: string, values: unknown[]) => {
    const client = await stack.db.connect();
    await client.query('SET session_replication_role = replica');
    await client.query(sql, values).finally(() => client.query('RESET session_replication_role'));
    client.release();
  };
  await attach(
    `INSERT INTO annotations (subject_id, subject, user_id, created_at, reference, labels)
     VALUES ($1, 'transfer', $2, $3, 'old-2', '[["age", "old"]]')`,
    [id, ANNA, at],
  );
  await attach(`INSERT INTO transfer_labels VALUES ($1, 'age', 'old', $2, $3)`, [wallet, at, id]);
  const get = await stack.grpc.call('wallet.v2.TransferService/GetTransfer', { reference: 'old-2' }, me);
  assert.equal(get.at('transfer', 'transfer_id'), id);
  assert.deepEqual(get.at('transfer', 'labels'), [{ key: 'age', value: 'old' }]);
  const list = async (filter: Json) => {
    const found: unknown[] = [];
    for (let page_token = ''; ; ) {
      const request = { wallet_id: wallet, page_size: 10, page_token, ...filter };
      const page = await stack.grpc.call('wallet.v2.WalletService/ListTransactions', request, me);
      assert.equal(page.status, 0, page.reason);
      found.push(...page.list('transactions').map(({ transfer }) => (transfer as Json).transfer_id));
      page_token = String(page.body.next_page_token);
      if (page_token === '') return found;
    }
  };
  for (const filter of [
    { reference: 'old-2' },
    { label_key: 'age', label_value: 'old' },
    { label_key: 'age', label_value: 'old', minor_units_to: '1' },
  ])
    assert.deepEqual(await list(filter), [id], JSON.stringify(filter));
  assert.deepEqual(await list({ label_key: 'age', label_value: 'old', minor_units_from: '2' }), []);
  // Of months there and here, each once.
  const span = { created_before: monthsAgo(2).toISOString(), kinds: ['TRANSFER_KIND_DEPOSIT'] };
  const deposits = await list({ ...span, minor_units_to: '1' });
  assert.deepEqual([deposits.length, new Set(deposits).size], [3 * A_MONTH, 3 * A_MONTH]);
});
