// Redis hangs, dies, comes back old or empty: no process ever shows a balance that was before an answer.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lease } from '../../src/cache/lease.ts';
import type { Store } from '../../src/cache/store.ts';
import { connectTo } from '../admission/callers.ts';
import { until } from '../ops/ops-client.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { makeDatabase, peopleOf } from '../stack.ts';
import { startTcpProxy, type TcpProxy } from '../tcp-proxy.ts';
import { type CacheServer, type Replacements, startCacheServer } from './cache-server.ts';

const [ANNA, BO] = [8201, 8202];
const TRUSTED_WITHIN_MS = 20_000;
/** How often a negative control tries to see what it has to see. */
const TRIES = 20;

/** What a test gets: two processes over a Redis and a database of its own. */
interface Context {
  readonly writer: CacheServer;
  readonly reader: CacheServer;
  readonly redis: OwnRedis;
  readonly proxy: TcpProxy | undefined;
}

/** What a test puts in place of the real things. */
interface Setup extends Replacements {
  /** What the writer reaches Redis through. */
  readonly proxy?: TcpProxy;
  close?(): void;
}

const untilTrusted = (...processes: readonly CacheServer[]) =>
  until(
    'entries are trusted',
    () => processes.every(({ lease }) => lease.current() !== undefined),
    TRUSTED_WITHIN_MS,
  );

/** Runs work with two processes that trust entries, and money to pay with. */
async function withTwo(
  work: (context: Context) => Promise<void>,
  setUp: (redis: OwnRedis) => Promise<Setup> = async () => ({}),
): Promise<void> {
  const [redis, database] = await Promise.all([startOwnRedis(), makeDatabase()]);
  const { proxy, close, ...replacements } = await setUp(redis);
  await peopleOf(database).addUsers([ANNA, BO]);
  const writerUrl = proxy ? `redis://127.0.0.1:${proxy.port}` : redis.url;
  const writer = await startCacheServer(database, writerUrl, replacements);
  const reader = await startCacheServer(database, redis.url, replacements);
  try {
    await writer.deposit(ANNA, 1000);
    await untilTrusted(writer, reader);
    await reader.balance(ANNA);
    await work({ writer, reader, redis, proxy });
  } finally {
    await writer.stop();
    await reader.stop();
    proxy?.close();
    close?.();
    await redis.stop();
    await database.drop();
  }
}

/** A proxy in front of a Redis, for the writer. */
const throughProxy = async (redis: OwnRedis) => ({
  proxy: await startTcpProxy(Number(new URL(redis.url).port)),
});

/** Cuts the writer off from Redis. */
const cutOff = ({ proxy }: Pick<Context, 'proxy'>) => proxy?.cut();

async function redisHangs({ writer, reader, redis }: Context): Promise<void> {
  redis.freeze();
  let answered = 0;
  try {
    for (let index = 0; index < 20; index++) {
      answered = await writer.pay(ANNA, BO, 1);
      assert.equal(await reader.balance(ANNA), answered);
    }
  } finally {
    redis.thaw();
  }
  // Entries from before are still there, and nobody trusts them.
  const giveUpAt = Date.now() + 2000;
  while (Date.now() < giveUpAt) {
    assert.equal(await reader.balance(ANNA), answered);
    await sleep(1);
  }
  await untilTrusted(writer, reader);
  await until(
    'balances are read from the cache again',
    async () => {
      assert.equal(await reader.balance(ANNA), answered);
      return reader.lastResult() === 'hit';
    },
    TRUSTED_WITHIN_MS,
  );
}

async function writerIsCutOff({ writer, reader, ...rest }: Context): Promise<void> {
  cutOff(rest);
  for (let index = 0; index < 20; index++) {
    const answered = await writer.pay(ANNA, BO, 1);
    assert.equal(await reader.balance(ANNA), answered);
  }
}

/** A lease that stays trusted whatever happens to the real one. */
const blind = (lease: Lease): Lease => {
  let last: string | undefined;
  return {
    ...lease,
    current: () => {
      last = lease.current() ?? last;
      return last;
    },
    isSuspended: () => true,
  };
};

async function writerIsCutOffUnnoticed({ writer, reader, ...rest }: Context): Promise<void> {
  cutOff(rest);
  // On a busy machine a read may miss Redis by its timeout, and be right by way of Postgres; the next one is not.
  for (let index = 0; index < TRIES; index++) {
    const answered = await writer.pay(ANNA, BO, 1);
    if ((await reader.balance(ANNA)) !== answered) return;
  }
  assert.fail('no old balance was shown');
}

/** A store that writes the entries of every other payment a moment late. */
const late =
  (more: (real: Store) => Partial<Store> = () => ({})) =>
  (real: Store): Store => {
    const store = { ...real, ...more(real) };
    let puts = 0;
    return {
      ...store,
      put: async (entries) => {
        if (puts++ % 2 === 1) await sleep(100);
        await store.put(entries);
      },
    };
  };

/** Two payments, of which the first one's entry arrives last; the balance that is then read, and that was answered. */
async function raceEntries({ writer, reader }: Context): Promise<{ read: number; answered: number }> {
  await writer.pay(ANNA, BO, 1);
  const answered = await writer.pay(ANNA, BO, 1);
  await sleep(200);
  return { read: await reader.balance(ANNA), answered };
}

async function redisIsLost({ writer, reader, redis }: Context, isEmptied: boolean): Promise<void> {
  const before = await writer.pay(ANNA, BO, 1);
  assert.equal(await reader.balance(ANNA), before);
  if (isEmptied) {
    const connection = await connectTo(redis.url);
    await connection.flushall();
    connection.disconnect();
  } else await redis.kill();
  for (let index = 0; index < 5; index++) {
    const answered = await writer.pay(ANNA, BO, 1);
    assert.equal(await reader.balance(ANNA), answered);
  }
  if (!isEmptied) await redis.restart();
  for (let index = 0; index < 50; index++) {
    const answered = await writer.pay(ANNA, BO, 1);
    assert.equal(await reader.balance(ANNA), answered);
    await sleep(20);
  }
  await untilTrusted(writer, reader);
}

describe('the cache without Redis', { concurrency: true, skip: withoutRedis }, () => {
  test('Redis hangs for a while: what was answered meanwhile shows when it is back', () =>
    withTwo(redisHangs));

  test('only the writer has lost Redis: the reader does not trust what it still finds there', () =>
    withTwo(writerIsCutOff, throughProxy));

  test('negative control: without taking the lease from the reader, it shows an old balance', () =>
    withTwo(writerIsCutOffUnnoticed, async (redis) => ({ ...(await throughProxy(redis)), lease: blind })));

  test('negative control: without versions, a late entry from before replaces the newer one', async () => {
    const blindly = async (redis: OwnRedis) => {
      const connection = await connectTo(redis.url);
      const store = late(() => ({
        setTombstones: () => Promise.resolve(),
        put: async (entries) => {
          for (const { key, entry, ttlMs } of entries) await connection.set(key, entry, 'PX', ttlMs);
        },
      }));
      return { store, close: () => connection.disconnect() };
    };
    await withTwo(async (context) => {
      for (let index = 0; index < TRIES; index++) {
        const { read, answered } = await raceEntries(context);
        if (read !== answered) return;
      }
      assert.fail('no old balance was shown');
    }, blindly);
  });

  test('with versions, the same late entry is ignored', () =>
    withTwo(
      async (context) => {
        const { read, answered } = await raceEntries(context);
        assert.equal(read, answered);
      },
      async () => ({ store: late() }),
    ));

  test('Redis is restarted with what it had: what was answered shows', () =>
    withTwo((context) => redisIsLost(context, false)));

  test('Redis is emptied: what was answered shows', () => withTwo((context) => redisIsLost(context, true)));

  test('a process that dies between commit and publishing leaves nothing stale behind', () =>
    withTwo(
      async ({ writer, reader }) => {
        const answered = await writer.pay(ANNA, BO, 1);
        for (let index = 0; index < 10; index++) assert.equal(await reader.balance(ANNA), answered);
        assert.equal(reader.lastResult(), 'contended');
      },
      async () => ({ store: (real: Store): Store => ({ ...real, put: () => new Promise(() => {}) }) }),
    ));
});
