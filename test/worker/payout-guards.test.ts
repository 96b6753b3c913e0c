// Two workers that have read the same lines of a payout before either has paid them: the key in the ledger lets one pay, and
// behind it the database does.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type pg from 'pg';
import type { Execute } from '../../src/domain/batch/command.ts';
import { runPayout } from '../../src/worker/jobs/run-payout.ts';
import { assertBooksBalance, makeDatabase, ownerPool, type TestDatabase } from '../stack.ts';
import { createTestLedger } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';
import { until } from '../until.ts';
import { linesPaid, openPayoutLedger, type PayoutLedger } from './payouts.ts';

const LINES = 100;
const PAYEES = 5;
const CHUNK = 20;

/** What the database says no to by itself. */
const CHECKS = ['payouts_settle_each_line_once', 'payouts_settle_their_lines', 'payouts_pay_what_they_have'];

let database: TestDatabase;
let db: pg.Pool;
let ledger: PayoutLedger;
let pools: ReturnType<typeof createTestPool>[];
beforeEach(async () => {
  database = await makeDatabase();
  db = ownerPool(database);
  ledger = await openPayoutLedger(database, db, PAYEES);
  pools = [createTestPool(database.workerUrl), createTestPool(database.workerUrl)];
});
afterEach(async () => {
  await Promise.all([ledger.close(), db.end(), ...pools.map((pool) => pool.end())]);
  await database.drop();
});

/** Both workers pay a payout; the first lines of each once both have read them. Returns how often its lines were paid. */
async function payTwiceAtOnce({ keyless }: { readonly keyless: boolean }) {
  const { id } = await ledger.start(LINES, PAYEES);
  let arrived = 0;
  const { promise: bothAreThere, resolve } = Promise.withResolvers<void>();
  const ledgers = pools.map((pool) => createTestLedger(pool));
  const workers = pools.map((pool, index) => {
    let isFirst = true;
    const execute: Execute = async (command, intent, key, call) => {
      if (isFirst && ++arrived === pools.length) resolve();
      isFirst = false;
      await bothAreThere;
      const named = keyless ? { ...key, key: crypto.randomUUID() } : key;
      return (ledgers[index] as (typeof ledgers)[0]).execute(command, intent, named, call);
    };
    return runPayout({ pool, execute, chunk: CHUNK });
  });
  const run = () =>
    workers.map((worker) => worker.run({ payoutId: id }, AbortSignal.timeout(60_000), undefined));
  const results = await Promise.allSettled(run());
  await Promise.all(ledgers.map((one) => one[Symbol.asyncDispose]()));
  return {
    ...(await linesPaid(db, LINES)),
    refused: results.filter(({ status }) => status === 'rejected').length,
  };
}

test('each line is paid once, and both workers end', async () => {
  assert.deepEqual(await payTwiceAtOnce({ keyless: false }), {
    once: LINES,
    doubled: 0,
    never: 0,
    refused: 0,
  });
  await assertBooksBalance(db);
});

test('without the key, the database refuses to settle a line twice all the same', async () => {
  const { doubled, refused } = await payTwiceAtOnce({ keyless: true });
  assert.equal(doubled, 0);
  assert.ok(refused > 0);
  await assertBooksBalance(db);
});

test('each line is read once, and the next ones while those before them are being paid', async () => {
  const { id } = await ledger.start(LINES, PAYEES);
  const [pool] = pools;
  assert.ok(pool);
  const asked: unknown[] = [];
  const query = (statement: pg.QueryConfig) => {
    if (statement.name === 'lines-between') asked.push(statement.values?.[1]);
    return pool.query(statement);
  };
  const own = createTestLedger(pool);
  let paid = 0;
  const execute: Execute = async (command, intent, key, call) => {
    const outcome = await own.execute(command, intent, key, call);
    paid = Math.min(paid + CHUNK, LINES);
    if (paid < LINES) await until('the lines after these are read', () => asked.includes(paid + 1));
    return outcome;
  };
  const worker = runPayout({ pool: { query } as unknown as pg.Pool, execute, chunk: CHUNK });
  await worker.run({ payoutId: id }, AbortSignal.timeout(60_000), undefined);
  await own[Symbol.asyncDispose]();
  assert.deepEqual(asked, [1, 21, 41, 61, 81]);
  assert.deepEqual(await linesPaid(db, LINES), { once: LINES, doubled: 0, never: 0 });
});

test('negative control: without the key and the checks behind it, lines are paid again', async () => {
  await db.query(`ALTER TABLE payouts ${CHECKS.map((name) => `DROP CONSTRAINT ${name}`).join(', ')}`);
  // It refuses a worker that is further behind than the lines it pays.
  await db.query('ALTER TABLE payouts DISABLE TRIGGER payouts_go_forward');
  const { doubled } = await payTwiceAtOnce({ keyless: true });
  assert.ok(doubled > 0, 'no line was paid twice');
});
