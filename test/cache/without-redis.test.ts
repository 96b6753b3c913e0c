// Redis hangs, dies, comes back old or empty: no process ever shows a balance that was before an answer.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lease } from '../../src/cache/lease.ts';
import type { Store } from '../../src/cache/store.ts';
import { connectTo } from '../admission/callers.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { makeDatabase, peopleOf, type TestDatabase } from '../stack.ts';
import { startTcpProxy } from '../tcp-proxy.ts';
import { type Process, type Replacements, startProcess } from './process.ts';

const skip = withoutRedis;
const [ANNA, BO] = [8201, 8202];
let redis: OwnRedis;
let database: TestDatabase;

before(async () => {
  if (skip) return;
  redis = await startOwnRedis();
  database = await makeDatabase();
  await peopleOf(database).addUsers([ANNA, BO]);
});
after(async () => {
  if (skip) return;
  await database.drop();
  await redis.stop();
});

async function untilTrusted(...processes: readonly Process[]): Promise<void> {
  const giveUpAt = Date.now() + 10_000;
  while (processes.some(({ lease }) => lease.current() === undefined)) {
    assert.ok(Date.now() < giveUpAt, 'entries are not trusted again within 10 seconds');
    await sleep(20);
  }
}

/** Runs work with two processes that trust entries, and money to pay with. */
async function withTwo(
  work: (writer: Process, reader: Process) => Promise<void>,
  { writerUrl = redis.url, ...replacements }: Replacements & { readonly writerUrl?: string } = {},
): Promise<void> {
  const writer = await startProcess(database, writerUrl, replacements);
  const reader = await startProcess(database, redis.url, replacements);
  try {
    await writer.deposit(ANNA, 1000);
    await untilTrusted(writer, reader);
    await reader.balance(ANNA);
    await work(writer, reader);
  } finally {
    await writer.stop();
    await reader.stop();
  }
}

test('Redis hangs for a while: what was answered meanwhile shows when it is back', { skip }, () =>
  withTwo(async (writer, reader) => {
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
    while (Date.now() < giveUpAt) assert.equal(await reader.balance(ANNA), answered);
    await untilTrusted(writer, reader);
    assert.equal(await reader.balance(ANNA), answered);
    await sleep(50);
    assert.equal(await reader.balance(ANNA), answered);
    assert.equal(reader.lastResult(), 'hit');
  }),
);

test('only the writer has lost Redis: the reader does not trust what it still finds there', {
  skip,
}, async () => {
  const proxy = await startTcpProxy(Number(new URL(redis.url).port));
  const cutOff = async (writer: Process, reader: Process) => {
    proxy.cut();
    for (let index = 0; index < 20; index++) {
      const answered = await writer.pay(ANNA, BO, 1);
      assert.equal(await reader.balance(ANNA), answered);
    }
  };
  await withTwo(cutOff, { writerUrl: `redis://127.0.0.1:${proxy.port}` }).finally(() => proxy.close());
});

test('negative control: without taking the lease from the reader, it shows an old balance', {
  skip,
}, async () => {
  const proxy = await startTcpProxy(Number(new URL(redis.url).port));
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
  const cutOff = async (writer: Process, reader: Process) => {
    proxy.cut();
    const answered = await writer.pay(ANNA, BO, 1);
    assert.notEqual(await reader.balance(ANNA), answered);
  };
  await withTwo(cutOff, { writerUrl: `redis://127.0.0.1:${proxy.port}`, lease: blind }).finally(() =>
    proxy.close(),
  );
});

test('negative control: without versions, a late entry from before replaces the newer one', {
  skip,
}, async () => {
  const connection = await connectTo(redis.url);
  /** Puts whatever comes, and the first payment's a moment late. */
  const late: (real: Store) => Store = (real) => {
    let puts = 0;
    return {
      ...real,
      setTombstones: () => Promise.resolve(),
      put: async (entries) => {
        if (puts++ % 2 === 1) await sleep(100);
        for (const { key, entry, ttlMs } of entries) await connection.set(key, entry, 'PX', ttlMs);
      },
    };
  };
  const race = async (writer: Process, reader: Process) => {
    await writer.pay(ANNA, BO, 1);
    const answered = await writer.pay(ANNA, BO, 1);
    await sleep(200);
    assert.notEqual(await reader.balance(ANNA), answered);
  };
  await withTwo(race, { store: late }).finally(() => connection.disconnect());
});

test('with versions, the same late entry is ignored', { skip }, async () => {
  const late: (real: Store) => Store = (real) => {
    let puts = 0;
    return {
      ...real,
      put: async (entries) => {
        if (puts++ % 2 === 1) await sleep(100);
        await real.put(entries);
      },
    };
  };
  const race = async (writer: Process, reader: Process) => {
    await writer.pay(ANNA, BO, 1);
    const answered = await writer.pay(ANNA, BO, 1);
    await sleep(200);
    assert.equal(await reader.balance(ANNA), answered);
  };
  await withTwo(race, { store: late });
});

for (const how of ['restarted with what it had', 'emptied'] as const) {
  test(`Redis is ${how}: what was answered shows`, { skip }, () =>
    withTwo(async (writer, reader) => {
      const before = await writer.pay(ANNA, BO, 1);
      assert.equal(await reader.balance(ANNA), before);
      if (how === 'emptied') {
        const connection = await connectTo(redis.url);
        await connection.flushall();
        connection.disconnect();
      } else await redis.kill();
      for (let index = 0; index < 5; index++) {
        const answered = await writer.pay(ANNA, BO, 1);
        assert.equal(await reader.balance(ANNA), answered);
      }
      if (how !== 'emptied') await redis.restart();
      for (let index = 0; index < 50; index++) {
        const answered = await writer.pay(ANNA, BO, 1);
        assert.equal(await reader.balance(ANNA), answered);
        await sleep(20);
      }
      await untilTrusted(writer, reader);
    }),
  );
}

test('a process that dies between commit and publishing leaves nothing stale behind', { skip }, () =>
  withTwo(
    async (writer, reader) => {
      const answered = await writer.pay(ANNA, BO, 1);
      for (let index = 0; index < 10; index++) assert.equal(await reader.balance(ANNA), answered);
      assert.equal(reader.lastResult(), 'contended');
    },
    { store: (real) => ({ ...real, put: () => new Promise(() => {}) }) },
  ),
);
