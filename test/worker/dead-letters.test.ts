// A job that can never succeed: it stands in nobody's way, is tried as often as it may be, and ends where ops see it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { startWorkerProcess, type WorkerProcess, workerEnv } from '../processes.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { makeDatabase, ownerPool, type TestDatabase } from '../stack.ts';
import { until } from '../until.ts';
import { assertRefundedOnce, untilAllRefunded, untilOutboxIsEmpty } from './refunds.ts';
import { CREATOR, openSprinkleLedger } from './sprinkles.ts';

const POISONED = 5;
let database: TestDatabase;
let redis: OwnRedis;
let db: pg.Pool;
let worker: WorkerProcess;
before(async () => {
  if (withoutRedis) return;
  database = await makeDatabase();
  redis = await startOwnRedis();
  db = ownerPool(database);
  worker = await startWorkerProcess(workerEnv(database, redis.url));
});
after(async () => {
  if (withoutRedis) return;
  await worker.stop();
  await db.end();
  await redis.stop();
  await database.drop();
});

const deadLetters = async () =>
  (await db.query('SELECT job, data, error, attempts FROM dead_letters ORDER BY id')).rows;

/** Makes sprinkles that expire, of which some can never be refunded, and waits until they are dead letters. */
async function poison(): Promise<void> {
  const ledger = await openSprinkleLedger(database);
  await ledger.make(60, 3_600_000);
  await ledger.close();
  // What would wake workers in an hour; each run finds all that is due.
  await db.query('DELETE FROM outbox');
  // Their pots pay into an account that is none: no rule of ours can make that, and the refund cannot be decided. All of them
  // expire in the same statement, so that none was refunded before.
  await db.query(
    `UPDATE sprinkles SET expires_at = now(), source_account_id = CASE
       WHEN id IN (SELECT id FROM sprinkles ORDER BY id LIMIT $1) THEN pot_account_id ELSE source_account_id END`,
    [POISONED],
  );
  await until('they are dead letters', async () => (await deadLetters()).length >= POISONED);
}

let poisoned: Promise<void> | undefined;
/** Once for both tests. */
function poisonOnce(): Promise<void> {
  poisoned ??= poison();
  return poisoned;
}

test('refunds that always fail become dead letters, and the others are refunded', {
  skip: withoutRedis,
}, async () => {
  await poisonOnce();
  const dead = await deadLetters();
  assert.equal(dead.length, POISONED);
  assert.deepEqual(
    [...new Set(dead.map(({ job, attempts }) => `${job} ${attempts}`))],
    ['refund-sprinkle 8'],
  );
  assert.match(dead[0].error, /between two accounts/);
  await untilOutboxIsEmpty(db, 60_000);
  const { rows } = await db.query(
    `SELECT count(*)::int AS left FROM sprinkles s JOIN accounts p ON p.id = s.pot_account_id WHERE p.balance > 0`,
  );
  assert.equal(rows[0]?.left, POISONED);
});

test('a dead letter that is replayed after the cause is fixed refunds', { skip: withoutRedis }, async () => {
  await poisonOnce();
  await db.query(
    `UPDATE sprinkles SET source_account_id = (SELECT id FROM accounts WHERE owner_user_id = $1)`,
    [CREATOR],
  );
  await db.query(`INSERT INTO outbox (job, data, run_at) SELECT job, data, now() FROM dead_letters`);
  await untilAllRefunded(db, 60_000);
  await untilOutboxIsEmpty(db, 60_000);
  await assertRefundedOnce(db, 60);
});
