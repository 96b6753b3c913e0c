// A worker that is asked to stop ends, whatever Redis does meanwhile: who waits for it would kill it otherwise.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeQueues } from '../../src/worker/queue/queues.ts';
import { hasSchedules } from '../../src/worker/queue/schedule.ts';
import { connectTo } from '../admission/callers.ts';
import { startWorkerProcess, workerEnv } from '../processes.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { makeDatabase, type TestDatabase } from '../stack.ts';
import { until } from '../until.ts';
import { openQueues } from './open-queues.ts';

const GRACE_MS = 3_000;
const FAR_TOO_LONG_MS = 20_000;
let database: TestDatabase;
let redis: OwnRedis;
before(async () => {
  if (withoutRedis) return;
  database = await makeDatabase();
  redis = await startOwnRedis();
});
after(async () => {
  if (withoutRedis) return;
  await redis.stop();
  await database.drop();
});

/** The exit code of a worker that is asked to stop after something happened to Redis. */
async function stopAfter(happening: () => unknown): Promise<number | null> {
  const env = { ...workerEnv(database, redis.url), STOP_GRACE_MS: String(GRACE_MS) };
  const connection = await connectTo(redis.url);
  await connection.flushall();
  connection.disconnect();
  const worker = await startWorkerProcess(env);
  const queues = await openQueues(redis);
  await until('it works with Redis', () => hasSchedules(queues));
  await closeQueues(queues);
  await happening();
  const code = await Promise.race([
    worker.stop(),
    sleep(FAR_TOO_LONG_MS, 'still there' as const, { ref: false }),
  ]);
  if (code !== 'still there') return code;
  await worker.kill();
  throw new Error('the worker did not end');
}

test('a worker stops at once when nothing is wrong', { skip: withoutRedis }, async () => {
  assert.equal(await stopAfter(() => {}), 0);
});

test('a worker stops when Redis hangs', { skip: withoutRedis }, async () => {
  try {
    assert.equal(await stopAfter(() => redis.freeze()), 1);
  } finally {
    redis.thaw();
  }
});

test('a worker stops when Redis is gone', { skip: withoutRedis }, async () => {
  try {
    await stopAfter(() => redis.kill());
  } finally {
    await redis.restart();
  }
});
