// Upkeep: old sprinkles go and their money stays, ended keys go where that is wanted, and the ledger is held against itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { reconcile } from '../../src/db/jobs/reconciliation.ts';
import { purgeApiKeys, purgeSprinkles } from '../../src/db/jobs/upkeep.ts';
import type { Pool } from '../../src/db/pool.ts';
import { purgeEndedKeys, purgeExpired, purgeOldSprinkles } from '../../src/worker/jobs/purge.ts';
import { openLastMonth } from '../db/last-month.ts';
import { makeKey } from '../keys.ts';
import { assertBooksBalance, makeDatabase, ownerPool, type TestDatabase } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';
import { until } from '../until.ts';
import { openSprinkleLedger } from './sprinkles.ts';

const running = new AbortController().signal;
let database: TestDatabase;
let worker: Pool;
let db: ReturnType<typeof ownerPool>;
before(async () => {
  database = await makeDatabase();
  db = ownerPool(database);
  await openLastMonth(db);
  worker = createTestPool(database.workerUrl);
  const ledger = await openSprinkleLedger(database);
  await ledger.make(30, 3_600_000);
  await ledger.close();
});
after(async () => {
  await Promise.all([worker.end(), db.end()]);
  await database.drop();
});

const count = async (table: string) => (await db.query(`SELECT count(*)::int AS n FROM ${table}`)).rows[0].n;
/** As if all that happened so far were older. */
const age = (by: string) =>
  db.query(`SET session_replication_role = replica; UPDATE transfers SET created_at = created_at - interval '${by}';
    UPDATE sprinkles SET created_at = created_at - interval '${by}'; SET session_replication_role = DEFAULT`);

/** Reconciles until everything is added: transactions of other databases here hold that back, too. */
async function reconcileAll(): Promise<number> {
  let added = 0;
  const all = await count('transfers');
  await until(
    'all transfers are added',
    async () => {
      const { transfers, faults } = await reconcile(worker);
      assert.deepEqual(faults, []);
      added += transfers;
      return added >= all;
    },
    60_000,
  );
  return added;
}

test('a ledger that is right has no faults, and transfers are added up once', async () => {
  assert.equal(await reconcileAll(), await count('transfers'));
  assert.deepEqual(await reconcile(worker), { transfers: 0, faults: [] });
});

test('a commit that is long after its timestamp is no fault of reconciliation', async () => {
  const slow = await db.connect();
  try {
    // As the ledger leaves it where a synchronous standby is away: all is written, and nobody sees it.
    await slow.query('BEGIN');
    await slow.query(`
      WITH moved AS (
        UPDATE accounts SET balance = balance + CASE WHEN stripe = 0 THEN -5 ELSE 5 END, version = version + 1
        WHERE kind = 'external' AND currency = 'JPY' AND stripe IN (0, 1) RETURNING id, stripe)
      INSERT INTO transfers (id, created_at, kind, currency, amount, debit_account_id, credit_account_id,
        debit_balance_after, credit_balance_after)
      SELECT gen_random_uuid(), clock_timestamp() - interval '2 minutes', 'transfer', 'JPY', 5, d.id, c.id, -5, 5
      FROM moved d, moved c WHERE d.stripe = 0 AND c.stripe = 1`);
    assert.deepEqual((await reconcile(worker)).faults, []);
    await slow.query('COMMIT');
  } finally {
    slow.release();
  }
  assert.deepEqual((await reconcile(worker)).faults, []);
  const added = async () =>
    Number((await db.query('SELECT sum(transfers) AS n FROM reconciliations')).rows[0].n);
  const isAdded = async () => {
    assert.deepEqual((await reconcile(worker)).faults, []);
    return (await added()) === (await count('transfers'));
  };
  await until('it is added', isAdded, 60_000);
});

test('every kind of fault is found', async () => {
  const wrong = async (sql: string, undo: string) => {
    await db.query(sql);
    const { faults } = await reconcile(worker);
    await db.query(undo);
    return faults.map(({ kind }) => kind);
  };
  const wallet = 'owner_user_id = 8001';
  const found = await wrong(
    `UPDATE accounts SET balance = balance + 1 WHERE ${wallet}`,
    `UPDATE accounts SET balance = balance - 1 WHERE ${wallet}`,
  );
  assert.deepEqual(found, ['account', 'currency']);
  const version = await wrong(
    `UPDATE accounts SET version = version + 1 WHERE ${wallet}`,
    `UPDATE accounts SET version = version - 1 WHERE ${wallet}`,
  );
  assert.deepEqual(version, ['account']);
  const closed = await wrong(
    `UPDATE sprinkles SET closed_at = now() WHERE token = (SELECT min(token) FROM sprinkles)`,
    `SET session_replication_role = replica; UPDATE sprinkles SET closed_at = NULL; RESET session_replication_role`,
  );
  assert.deepEqual(closed, ['sprinkle']);
  const held = await wrong(
    `UPDATE accounts SET held_amount = 5 WHERE ${wallet}`,
    `UPDATE accounts SET held_amount = 0 WHERE ${wallet}`,
  );
  assert.deepEqual(held, ['held']);
  // A hold of which the pot and the wallet know nothing.
  const hold = await wrong(
    `SET session_replication_role = replica;
     INSERT INTO accounts (id, kind, currency, created_at) VALUES ('00000000-0000-4000-8000-000000000009', 'hold', 'KRW', now());
     INSERT INTO holds (id, user_id, wallet_id, pot_account_id, currency, amount, reason, created_at, expires_at)
       SELECT gen_random_uuid(), 8001, id, '00000000-0000-4000-8000-000000000009', 'KRW', 7, '', now(), now()
       FROM accounts WHERE ${wallet};
     RESET session_replication_role`,
    `SET session_replication_role = replica; DELETE FROM holds;
     DELETE FROM accounts WHERE kind = 'hold'; RESET session_replication_role`,
  );
  assert.deepEqual(hold, ['hold', 'held']);
  const refunded = await wrong(
    `INSERT INTO refunded_transfers (transfer_id, amount, refunded_amount) VALUES (gen_random_uuid(), 9, 9)`,
    'DELETE FROM refunded_transfers',
  );
  assert.deepEqual(refunded, ['refunded']);
  const unmoved = await wrong(
    `SET session_replication_role = replica;
     INSERT INTO refunds (refund_id, created_at, transfer_id, transfer_amount, amount)
       VALUES (gen_random_uuid(), now(), '00000000-0000-7000-8000-000000000008', 9, 9);
     INSERT INTO refunded_transfers (transfer_id, amount, refunded_amount)
       VALUES ('00000000-0000-7000-8000-000000000008', 9, 9);
     RESET session_replication_role`,
    `SET session_replication_role = replica; DELETE FROM refunds; DELETE FROM refunded_transfers;
     RESET session_replication_role`,
  );
  assert.deepEqual(unmoved, ['refund']);
  assert.deepEqual((await reconcile(worker)).faults, []);
});

test('closed sprinkles are purged after the lookup period; open ones and the ledger stay', async () => {
  const transfers = await count('transfers');
  const old = `id IN (SELECT id FROM sprinkles ORDER BY id LIMIT 10)`;
  await db.query(`UPDATE sprinkles SET closed_at = now() WHERE ${old}`);
  // Whatever the worker says: what was made within a day stays.
  assert.equal(await purgeSprinkles(worker, -86_400_000, 100), 0);
  await age('8 days');
  const purge = purgeOldSprinkles(worker, 7 * 86_400_000);
  assert.deepEqual(await purge.run({}, running), { purged: 10 });
  assert.deepEqual(await purge.run({}, running), { purged: 0 });
  assert.deepEqual([await count('sprinkles'), await count('sprinkle_tokens')], [20, 20]);
  assert.equal(await count('transfers'), transfers);
  await assertBooksBalance(db);
  await assert.rejects(worker.query('DELETE FROM sprinkles'), /permission denied/);
});

test('marks of refusals go after an hour; younger ones and answers stay', async () => {
  const answers = await count('idempotency_keys WHERE outcome IS NOT NULL');
  await db.query(`INSERT INTO idempotency_keys (user_id, key, signed_at, created_at)
    SELECT 8001, 'mark-' || n, 0, now() - n * interval '20 minutes' FROM generate_series(1, 6) AS n`);
  await db.query(`SET session_replication_role = replica;
    UPDATE idempotency_keys SET created_at = now() - interval '10 years' WHERE outcome IS NOT NULL;
    SET session_replication_role = DEFAULT`);
  assert.deepEqual(await purgeExpired(worker).run({}, running), { marks: 4, nonces: 0 });
  assert.equal(await count('idempotency_keys WHERE outcome IS NULL'), 2);
  assert.equal(await count('idempotency_keys WHERE outcome IS NOT NULL'), answers);
  await assert.rejects(worker.query('DELETE FROM idempotency_keys'), /permission denied/);
  await assert.rejects(
    db.query('UPDATE idempotency_keys SET created_at = now() WHERE outcome IS NOT NULL'),
    /never changed or deleted/,
  );
});

test('keys that ended long ago go where a time is set, with those that replaced them kept', async () => {
  const [first, second] = [await makeKey(database), await makeKey(database)];
  await db.query(`UPDATE api_keys SET replaces_id = $1 WHERE id = $2`, [first.keyId, second.keyId]);
  await db.query(`UPDATE api_keys SET revoked_at = now() WHERE id = $1`, [first.keyId]);
  // Whatever the worker says: what has just ended stays for a month.
  assert.equal(await purgeApiKeys(worker, -3_600_000), 0);
  await db.query(`UPDATE api_keys SET revoked_at = now() - interval '40 days' WHERE id = $1`, [first.keyId]);
  assert.deepEqual(await purgeEndedKeys(worker, undefined).run({}, running), { purged: 0 });
  assert.deepEqual(await purgeEndedKeys(worker, 30 * 86_400_000).run({}, running), { purged: 1 });
  assert.equal(await count('api_keys'), 1);
});

test("a key that ended long ago stays while its line has a webhook and can sign, because the webhook is the line's", async () => {
  const [first, second, third] = [await makeKey(database), await makeKey(database), await makeKey(database)];
  await db.query('UPDATE api_keys SET replaces_id = $1 WHERE id = $2', [first.keyId, second.keyId]);
  await db.query('UPDATE api_keys SET replaces_id = $1 WHERE id = $2', [second.keyId, third.keyId]);
  const end = (ids: readonly string[]) =>
    db.query(`UPDATE api_keys SET revoked_at = now() - interval '40 days' WHERE id = ANY ($1)`, [ids]);
  await end([first.keyId, second.keyId]);
  await db.query(
    `INSERT INTO webhooks (id, owner_key_id, url, types, description, sealed_keys, public_key, last_sequence)
     VALUES (gen_random_uuid(), $1, 'https://example.com/', '{}', '', 'sealed', 'public', 0)`,
    [first.keyId],
  );
  const purge = () => purgeEndedKeys(worker, 30 * 86_400_000).run({}, running);
  assert.deepEqual(await purge(), { purged: 0 });
  const { rows } = await db.query('SELECT key_line($1) AS line, key_line_is_live($2) AS "isLive"', [
    third.keyId,
    first.keyId,
  ]);
  assert.deepEqual(rows, [{ line: first.keyId, isLive: true }]);
  await end([third.keyId]);
  assert.deepEqual(await purge(), { purged: 3 });
});
