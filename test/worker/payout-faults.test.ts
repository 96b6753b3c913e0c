// Payouts while workers and Redis die at random moments: every line is paid exactly once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workerEnv } from '../processes.ts';
import { startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { assertBooksBalance, makeDatabase, ownerPool } from '../stack.ts';
import { startChaos } from './chaos.ts';
import { linesPaid, openPayoutLedger } from './payouts.ts';
import { untilOutboxIsEmpty } from './refunds.ts';

const LINES = 3_000;
const PAYEES = 50;
const PROGRAM = new URL('payout-worker.ts', import.meta.url);
const IN_THE_END_MS = 120_000;

test('every line of a payout is paid exactly once, through faults', { skip: withoutRedis }, async (t) => {
  const database = await makeDatabase();
  const redis = await startOwnRedis();
  const db = ownerPool(database);
  const ledger = await openPayoutLedger(database, db, PAYEES);
  const chaos = await startChaos(redis, workerEnv(database, redis.url), PROGRAM);
  t.diagnostic(`CHAOS_SEED=${chaos.seed}`);
  try {
    await ledger.start(LINES, PAYEES);
    await chaos.strike(8, 900);
    await untilOutboxIsEmpty(db, IN_THE_END_MS);
    await chaos.stop();
    await assertBooksBalance(db);
    const { rows } = await db.query(`SELECT p.state, a.balance::int AS pot, p.paid_count, p.failed_count,
      (SELECT count(*)::int FROM dead_letters) AS dead
      FROM payouts p JOIN accounts a ON a.id = p.pot_account_id`);
    const all = { state: 'done', pot: 0, paid_count: LINES, failed_count: 0, dead: 0 };
    assert.deepEqual(
      { ...rows[0], ...(await linesPaid(db, LINES)) },
      { ...all, once: LINES, doubled: 0, never: 0 },
    );
  } finally {
    await Promise.all([chaos.stop(), ledger.close(), db.end()]);
    await redis.stop();
    await database.drop();
  }
});
