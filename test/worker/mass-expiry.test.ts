// Very many sprinkles expire in the same second: all are paid back, without a job for each. MASS_EXPIRY says how many.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startWorkerProcess, workerEnv } from '../processes.ts';
import { startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { makeDatabase, ownerPool } from '../stack.ts';
import { assertRefundedOnce, untilAllRefunded } from './refunds.ts';
import { openSprinkleLedger } from './sprinkles.ts';

const COUNT = Number(process.env.MASS_EXPIRY ?? 3000);

test(`${COUNT} sprinkles that expire in the same second`, { skip: withoutRedis }, async (t) => {
  const database = await makeDatabase();
  const redis = await startOwnRedis();
  const db = ownerPool(database);
  const ledger = await openSprinkleLedger(database);
  const workers = [];
  try {
    for (let made = 0; made < COUNT; made += 1000) await ledger.make(Math.min(1000, COUNT - made), 3_600_000);
    workers.push(await startWorkerProcess(workerEnv(database, redis.url)));
    await db.query('VACUUM ANALYZE sprinkles');
    const { rows } = await db.query(
      `WITH moved AS (UPDATE sprinkles SET expires_at = now() + interval '1 second') SELECT now() + interval '1 second' AS at`,
    );
    await untilAllRefunded(db, 120_000);
    const last = await db.query(`SELECT max(created_at) AS at FROM transfers WHERE kind = 'refund'`);
    t.diagnostic(
      `all were paid back ${last.rows[0].at - rows[0].at} ms after the second in which they expired`,
    );
    await assertRefundedOnce(db, COUNT);
    for (const worker of workers.splice(0)) assert.equal(await worker.stop(), 0);
  } finally {
    await Promise.all([...workers.map((worker) => worker.stop()), ledger.close(), db.end()]);
    await redis.stop();
    await database.drop();
  }
});
