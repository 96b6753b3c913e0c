// What a worker's /metrics tell of payouts that run: how many, how far, for how long, and whether anything moves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { createWorkerProgram } from '../../src/worker/compose.ts';
import { readWorkerConfig } from '../../src/worker/config.ts';
import { workerEnv } from '../processes.ts';
import { startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { readMetrics } from '../runtime/ops-client.ts';
import { makeDatabase, ownerPool } from '../stack.ts';
import { until } from '../until.ts';
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
  // A page that takes Postgres two seconds is made without, or with what was read before.
  const none = { running: 0, left: 0, oldest: 0, stalled: 0 };
  const told = (what: typeof none) => async () => isDeepStrictEqual(await payouts(), what);
  await until('none is told', told(none));
  await until('nothing is due', async () => (await gauge('ppuri_outbox_oldest_due_seconds')) === 0);
  await until('a month is ahead', async () => (await gauge('ppuri_transfer_partition_months')) === 2);
  // Without Redis no worker hears of it.
  redis.freeze();
  await ledger.start(3000, 10);
  await until('it is told', async () => {
    const { running, left, oldest = 0, stalled = 0 } = await payouts();
    return running === 1 && left === 3000 && oldest > 0 && stalled > 0;
  });
  await until('its job is due', async () => ((await gauge('ppuri_outbox_oldest_due_seconds')) ?? 0) > 0);
  await db.query(`INSERT INTO job_states (job, paused_at) VALUES ('run-payout', now())
    ON CONFLICT (job) DO UPDATE SET paused_at = now()`);
  await until(
    'a paused job is late by intent',
    async () => (await gauge('ppuri_outbox_oldest_due_seconds')) === 0,
  );
  await db.query(`UPDATE job_states SET paused_at = NULL`);
  redis.thaw();
  await until('all is paid', told(none), 60_000);
});

test('where Postgres does not answer, the page is made without them', async () => {
  const metrics = createMetrics({});
  metrics.payouts(() => Promise.reject(new Error('away')));
  metrics.upkeep(() => Promise.reject(new Error('away')));
  const { body } = await metrics.page();
  assert.match(body, /^# TYPE ppuri_payouts_running gauge$/m);
  assert.doesNotMatch(body, /^ppuri_(payout|outbox|transfer)/m);
});

test('where Postgres hangs, the page is made within two seconds, with what was read before', async () => {
  const metrics = createMetrics({});
  const running = { count: 3, linesLeft: 0, oldestSeconds: 0, stalledSeconds: 0 };
  let isHanging = false;
  metrics.payouts(() => (isHanging ? new Promise(() => {}) : Promise.resolve(running)));
  assert.match((await metrics.page()).body, /^ppuri_payouts_running 3$/m);
  isHanging = true;
  const startedAt = performance.now();
  assert.match((await metrics.page()).body, /^ppuri_payouts_running 3$/m);
  assert.ok(performance.now() - startedAt < 2_000);
});
