// What a worker's /metrics tell of payouts that run: how many, how far, for how long, and whether anything moves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { createWorkerProgram } from '../../src/worker/compose.ts';
import { readWorkerConfig } from '../../src/worker/config.ts';
import { readMetrics, until } from '../ops/ops-client.ts';
import { workerEnv } from '../processes.ts';
import { startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { makeDatabase, ownerPool } from '../stack.ts';
import { openPayoutLedger } from './payouts.ts';

test('running payouts are counted, also when no worker pays them', { skip: withoutRedis }, async (t) => {
  const database = await makeDatabase();
  const redis = await startOwnRedis();
  const db = ownerPool(database);
  const ledger = await openPayoutLedger(database, db, 10);
  const worker = await createWorkerProgram(readWorkerConfig(workerEnv(database, redis.url)));
  t.after(async () => {
    redis.thaw();
    await worker.stop();
    await Promise.all([ledger.close(), db.end()]);
    await redis.stop();
    await database.drop();
  });
  const gauge = async (name: string) =>
    (await readMetrics(`http://127.0.0.1:${worker.opsPort}`)).find((sample) => sample.name === name)?.value;
  const payouts = async () => {
    const samples = await readMetrics(`http://127.0.0.1:${worker.opsPort}`);
    const [running, left, oldest, stalled] = [
      's_running',
      '_lines_left',
      '_oldest_seconds',
      '_stalled_seconds',
    ].map((name) => samples.find((sample) => sample.name === `ppuri_payout${name}`)?.value ?? Number.NaN);
    return { running, left, oldest, stalled };
  };
  assert.deepEqual(await payouts(), { running: 0, left: 0, oldest: 0, stalled: 0 });
  assert.equal(await gauge('ppuri_outbox_oldest_due_seconds'), 0);
  assert.equal(await gauge('ppuri_transfer_partition_months'), 2);
  // Without Redis no worker hears of it.
  redis.freeze();
  await ledger.start(3000, 10);
  const waiting = await payouts();
  assert.deepEqual([waiting.running, waiting.left], [1, 3000]);
  assert.ok((waiting.oldest ?? 0) > 0 && (waiting.stalled ?? 0) > 0);
  assert.ok(((await gauge('ppuri_outbox_oldest_due_seconds')) ?? 0) > 0);
  await db.query(`INSERT INTO job_states (job, paused_at) VALUES ('run-payout', now())
    ON CONFLICT (job) DO UPDATE SET paused_at = now()`);
  assert.equal(await gauge('ppuri_outbox_oldest_due_seconds'), 0, 'a paused job is late by intent');
  await db.query(`UPDATE job_states SET paused_at = NULL`);
  redis.thaw();
  await until('all is paid', async () => (await payouts()).running === 0, 60_000);
  assert.deepEqual(await payouts(), { running: 0, left: 0, oldest: 0, stalled: 0 });
});

test('where Postgres does not answer, the page is made without them', async () => {
  const metrics = createMetrics([]);
  metrics.payouts(() => Promise.reject(new Error('away')));
  metrics.upkeep(() => Promise.reject(new Error('away')));
  const { body } = await metrics.page();
  assert.match(body, /^# TYPE ppuri_payouts_running gauge$/m);
  assert.doesNotMatch(body, /^ppuri_(payout|outbox|transfer)/m);
});
