// Redis hangs, dies and comes back empty, is emptied, is slow: calls go on, nothing is lost, and no balance is wrong.
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectTo } from '../admission/callers.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { makeDatabase } from '../stack.ts';
import { startTcpProxy } from '../tcp-proxy.ts';
import { type Fault, underTraffic } from './fault-harness.ts';

const skip = withoutRedis;
let redis: OwnRedis;

before(async () => {
  if (!skip) redis = await startOwnRedis();
});
after(() => redis?.stop());

async function withFault(name: string, redisUrl: string, fault: Fault): Promise<void> {
  const database = await makeDatabase();
  await underTraffic(name, database, redisUrl, fault).finally(() => database.drop());
}

test('Redis stands still for 5 seconds', { skip }, () =>
  withFault('Redis stands still', redis.url, async () => {
    redis.freeze();
    await sleep(5_000);
    redis.thaw();
  }),
);

test('Redis is killed and comes back empty', { skip }, () =>
  withFault('Redis is killed', redis.url, async () => {
    await redis.kill();
    await sleep(5_000);
    await redis.restart();
    const connection = await connectTo(redis.url);
    await connection.flushall();
    connection.disconnect();
  }),
);

test('Redis is emptied again and again', { skip }, () =>
  withFault('Redis is emptied', redis.url, async () => {
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
  const slow: Fault = async () => {
    proxy.slowDown(500);
    await sleep(4_000);
    proxy.slowDown(0);
  };
  await withFault('Redis is slow', `redis://127.0.0.1:${proxy.port}`, slow).finally(() => proxy.close());
});
