// Payouts while workers and Redis die at random moments: every line is paid exactly once. Without its guards it is not.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { workerEnv } from '../processes.ts';
import { startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { assertBooksBalance, makeDatabase, ownerPool } from '../stack.ts';
import { FAULTS, type Fault, startChaos } from './chaos.ts';
import { linesPaid, openPayoutLedger } from './payouts.ts';
import { untilOutboxIsEmpty } from './refunds.ts';

const LINES = 6_000;
const PAYEES = 50;
const PROGRAM = new URL('payout-worker.ts', import.meta.url);
const IN_THE_END_MS = 120_000;

/** What the database says no to by itself, behind the key in the ledger. */
const WITHOUT_CHECKS = `
  ALTER TABLE payouts DROP CONSTRAINT payouts_settle_each_line_once, DROP CONSTRAINT payouts_settle_their_lines,
    DROP CONSTRAINT payouts_pay_what_they_have`;

/** Runs a payout through faults; what became of it once nothing is left to do. */
async function payThroughFaults(
  env: Record<string, string>,
  sql: string,
  say: (line: string) => void,
  faults: readonly Fault[] = FAULTS,
) {
  const database = await makeDatabase();
  const redis = await startOwnRedis();
  const db = ownerPool(database);
  const ledger = await openPayoutLedger(database, db, PAYEES);
  const chaos = await startChaos(redis, { ...workerEnv(database, redis.url), ...env }, PROGRAM);
  say(`CHAOS_SEED=${chaos.seed}`);
  try {
    if (sql) await db.query(sql);
    await ledger.start(LINES, PAYEES);
    await chaos.strike(8, 900, faults);
    await untilOutboxIsEmpty(db, IN_THE_END_MS);
    await chaos.stop();
    await assertBooksBalance(db);
    const { rows } = await db.query(`SELECT p.state, a.balance::int AS pot, p.paid_count, p.failed_count,
      (SELECT count(*)::int FROM dead_letters) AS dead
      FROM payouts p JOIN accounts a ON a.id = p.pot_account_id`);
    return { ...rows[0], ...(await linesPaid(db, LINES)) };
  } finally {
    await Promise.all([chaos.stop(), ledger.close(), db.end()]);
    await redis.stop();
    await database.drop();
  }
}

const ALL_ONCE = {
  state: 'done',
  pot: 0,
  paid_count: LINES,
  failed_count: 0,
  once: LINES,
  doubled: 0,
  never: 0,
};

// Most of the time is spent waiting for locks of the dead to end, so they wait side by side.
suite('payouts through faults', { concurrency: true }, () => {
  test('every line of a payout is paid exactly once', { skip: withoutRedis }, async (t) => {
    const result = await payThroughFaults({}, '', (line) => t.diagnostic(line));
    assert.deepEqual(result, { ...ALL_ONCE, dead: 0 });
  });

  test('negative control: without the key and the checks behind it, lines are paid again', {
    skip: withoutRedis,
  }, async (t) => {
    // A Redis that was emptied has a second worker take what the first is still at, each time: nothing is left to luck.
    const say = (line: string) => t.diagnostic(line);
    const { doubled } = await payThroughFaults({ KEYLESS: '1' }, WITHOUT_CHECKS, say, ['empty Redis']);
    assert.ok(doubled > 0, 'no line was paid twice');
  });

  test('without the key, the database refuses to settle a line twice all the same', {
    skip: withoutRedis,
  }, async (t) => {
    const { doubled } = await payThroughFaults({ KEYLESS: '1' }, '', (line) => t.diagnostic(line));
    assert.equal(doubled, 0);
  });
});
