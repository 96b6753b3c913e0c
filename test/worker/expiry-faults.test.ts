// Sprinkles expire while workers, their relays and Redis die at random moments: each is paid back exactly once.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startWorkerProcess, workerEnv } from '../processes.ts';
import { startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { makeDatabase, ownerPool } from '../stack.ts';
import { until } from '../until.ts';
import { startChaos } from './chaos.ts';
import { assertRefundedOnce, untilAllRefunded, untilOutboxIsEmpty } from './refunds.ts';
import { openSprinkleLedger } from './sprinkles.ts';

const WAVES = 8;
const A_WAVE = 150;
/** Overdue rows of the outbox are queued again, and jobs of a killed worker taken over, within seconds (SHORT_TIMES). */
const IN_THE_END_MS = 90_000;

// Each has a database, a Redis and workers of its own.
describe('refunds of expired sprinkles', { concurrency: true, skip: withoutRedis }, () => {
  test('through faults at random moments every refund happens once', async (t) => {
    const database = await makeDatabase();
    const redis = await startOwnRedis();
    const db = ownerPool(database);
    const ledger = await openSprinkleLedger(database);
    const chaos = await startChaos(redis, workerEnv(database, redis.url));
    t.diagnostic(`CHAOS_SEED=${chaos.seed}`);
    try {
      const making = (async () => {
        for (let wave = 0; wave < WAVES; wave++) {
          await ledger.make(A_WAVE, 1000);
          await sleep(700);
        }
      })();
      await chaos.strike(7, 1500);
      await making;
      await untilAllRefunded(db, IN_THE_END_MS);
      await untilOutboxIsEmpty(db, IN_THE_END_MS);
      await assertRefundedOnce(db, WAVES * A_WAVE);
      await chaos.stop();
    } finally {
      await Promise.all([chaos.stop(), ledger.close(), db.end()]);
      await redis.stop();
      await database.drop();
    }
  });

  test('what expired while no worker ran is refunded once workers run', async () => {
    const database = await makeDatabase();
    const redis = await startOwnRedis();
    const db = ownerPool(database);
    const ledger = await openSprinkleLedger(database);
    try {
      await ledger.make(500, 3000);
      await until('all have expired', async () => {
        const { rowCount } = await db.query('SELECT FROM sprinkles WHERE expires_at > now() LIMIT 1');
        return rowCount === 0;
      });
      await db.query('DELETE FROM outbox');
      const workers = await Promise.all(
        [1, 2, 3].map(() => startWorkerProcess(workerEnv(database, redis.url))),
      );
      await untilAllRefunded(db, IN_THE_END_MS);
      await assertRefundedOnce(db, 500);
      for (const worker of workers) assert.equal(await worker.stop(), 0);
    } finally {
      await Promise.all([ledger.close(), db.end()]);
      await redis.stop();
      await database.drop();
    }
  });
});
