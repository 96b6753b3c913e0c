// Redis hangs, dies and comes back empty, is emptied, is slow: calls go on, nothing is lost, and no balance is wrong.
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectTo } from '../admission/callers.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { makeDatabase, type TestDatabase } from '../stack.ts';
import { startTcpProxy } from '../tcp-proxy.ts';
import { type Fault, type FaultHarness, startFaultHarness } from './fault-harness.ts';

const skip = withoutRedis;
let redis: OwnRedis;
let database: TestDatabase;
/** Whose servers are connected to Redis itself; for all tests of it. */
let direct: Promise<FaultHarness> | undefined;

before(async () => {
  if (!skip) [redis, database] = await Promise.all([startOwnRedis(), makeDatabase()]);
});
after(async () => {
  await (await direct?.catch(() => undefined))?.stop();
  await redis?.stop();
  await database?.drop();
});

async function withFault(name: string, fault: Fault): Promise<void> {
  direct ??= startFaultHarness(database, redis.url);
  await (await direct).underTraffic(name, fault);
}

test('Redis stands still for 5 seconds', { skip }, () =>
  withFault('Redis stands still', async () => {
    redis.freeze();
    await sleep(5_000);
    redis.thaw();
  }),
);

test('Redis is killed and comes back empty', { skip }, () =>
  withFault('Redis is killed', async () => {
    await redis.kill();
    await sleep(5_000);
    await redis.restart();
    const connection = await connectTo(redis.url);
    await connection.flushall();
    connection.disconnect();
  }),
);

test('Redis is emptied again and again', { skip }, () =>
  withFault('Redis is emptied', async () => {
    const connection = await connectTo(redis.url);
    for (let times = 0; times < 10; times++) {
      await connection.flushall();
      await sleep(200);
    }
    connection.disconnect();
  }),
);

test('Redis answers half a second late', { skip }, async () => {
  const proxy = await startTcpProxy(Number(new URL(redis.url).port));
  const another = await makeDatabase();
  const slow = await startFaultHarness(another, `redis://127.0.0.1:${proxy.port}`);
  try {
    await slow.underTraffic('Redis is slow', async () => {
      proxy.slowDown(500);
      await sleep(4_000);
      proxy.slowDown(0);
    });
  } finally {
    await slow.stop();
    proxy.close();
    await another.drop();
  }
});
