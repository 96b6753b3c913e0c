// What a worker's metrics tell of work that is left: refunds that are late, dead letters, and the last reconciliation.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import {
  countDeadLetters,
  insertDeadLetter,
  lastReconciliation,
  reconcile,
  refundOverdueSeconds,
} from '../../src/db/jobs/index.ts';
import { makeDatabase, type TestDatabase } from '../stack.ts';
import { until } from '../until.ts';
import { openSprinkleLedger } from './sprinkles.ts';

let database: TestDatabase;
/** As the worker's own login: what it may not read, its metrics cannot tell. */
let pool: pg.Pool;
before(async () => {
  database = await makeDatabase();
  pool = new pg.Pool({ connectionString: database.workerUrl });
  pool.on('error', () => {});
});
after(async () => {
  await pool.end();
  await database.drop();
});

test('a sprinkle that is over and not paid back is overdue from its end on', async () => {
  assert.equal((await refundOverdueSeconds(pool)).sprinkle, 0);
  const ledger = await openSprinkleLedger(database);
  await ledger.make(3, 300);
  await ledger.close();
  const seconds = await until('it is overdue', async () => {
    const overdue = (await refundOverdueSeconds(pool)).sprinkle;
    return overdue > 0 && overdue;
  });
  assert.ok(seconds < 60, `${seconds} s`);
});

test('dead letters are counted until they are sent again', async () => {
  assert.equal(await countDeadLetters(pool), 0);
  const failed = { job: 'run-payout', queueId: 'a', data: {}, error: 'why', attempts: 8 } as const;
  await insertDeadLetter(pool, { ...failed, rowQueueId: undefined });
  assert.equal(await countDeadLetters(pool), 1);
});

test('the last reconciliation is known by its age and its faults', async () => {
  assert.equal(await lastReconciliation(pool), undefined);
  await reconcile(pool);
  const last = await lastReconciliation(pool);
  assert.equal(last?.faults, 0);
  assert.ok((last?.ageSeconds ?? -1) >= 0 && (last?.ageSeconds ?? 60) < 60);
});
