// Jobs of the outbox while workers, relays and Redis die at random moments: none is lost, and each has its effect once.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { workerEnv } from '../processes.ts';
import { startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { assertBooksBalance, makeDatabase, ownerPool } from '../stack.ts';
import { startChaos } from './chaos.ts';
import { untilOutboxIsEmpty } from './refunds.ts';
import { openSprinkleLedger } from './sprinkles.ts';

const PAYMENTS = 400;
const PROGRAM = new URL('paying-worker.ts', import.meta.url);
const IN_THE_END_MS = 120_000;

/** Pays through faults; how many payments were made for how many jobs, once nothing is left to do. */
async function payThroughFaults(env: Record<string, string>, say: (line: string) => void) {
  const database = await makeDatabase();
  const redis = await startOwnRedis();
  const db = ownerPool(database);
  const ledger = await openSprinkleLedger(database);
  const chaos = await startChaos(redis, { ...workerEnv(database, redis.url), ...env }, PROGRAM);
  say(`CHAOS_SEED=${chaos.seed}`);
  try {
    await db.query(
      `INSERT INTO outbox (job, data, run_at)
       SELECT 'refund-sprinkle', json_build_object('payment', n), now() + n * interval '10 milliseconds'
       FROM generate_series(1, $1::int) AS n`,
      [PAYMENTS],
    );
    await chaos.strike(8, 800);
    await untilOutboxIsEmpty(db, IN_THE_END_MS);
    await chaos.stop();
    await assertBooksBalance(db);
    const { rows } = await db.query(`SELECT
      (SELECT count(*)::int FROM transfers WHERE kind = 'transfer') AS paid,
      (SELECT count(*)::int FROM dead_letters) AS dead`);
    return rows[0];
  } finally {
    await Promise.all([chaos.stop(), ledger.close(), db.end()]);
    await redis.stop();
    await database.drop();
  }
}

// Each has a database, a Redis and workers of its own.
describe('jobs of the outbox through faults', { concurrency: true, skip: withoutRedis }, () => {
  test('every job has its effect exactly once', async (t) => {
    assert.deepEqual(await payThroughFaults({}, (line) => t.diagnostic(line)), { paid: PAYMENTS, dead: 0 });
  });

  test('negative control: without their keys in the ledger, jobs that were cut off pay again', async (t) => {
    const { paid } = await payThroughFaults({ KEYLESS: '1' }, (line) => t.diagnostic(line));
    assert.ok(paid > PAYMENTS, 'no job was cut off between its effect and its end');
  });
});
