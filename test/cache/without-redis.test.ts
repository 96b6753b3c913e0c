// Redis hangs, dies, comes back old or empty: no process ever shows a balance that was before an answer.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lease } from '../../src/cache/lease.ts';
import type { Store } from '../../src/cache/store.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { connectTo } from '../admission/callers.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { makeDatabase, peopleOf } from '../stack.ts';
import { startTcpProxy, type TcpProxy } from '../tcp-proxy.ts';
import { until } from '../until.ts';
import { type CachedLedger, type Replacements, startCachedLedger } from './cached-ledger.ts';

const [ANNA, BO] = [8201, 8202];
const TRUSTED_WITHIN_MS = 20_000;
/** How long it is waited for the entries of two payments. */
const PUT_WITHIN_MS = 2_000;
/** How long a negative control tries to see what it has to see. */
const SEEN_WITHIN_MS = 60_000;

/** What a test gets: two processes over a Redis and a database of its own. */
interface Context {
  readonly writer: CachedLedger;
  readonly reader: CachedLedger;
  readonly redis: OwnRedis;
  readonly proxy: TcpProxy | undefined;
}

/** What a test puts in place of the real things. */
interface Setup extends Replacements {
  /** What it puts there for the writer alone. */
  readonly writerStore?: Replacements['store'];
  /** What the writer reaches Redis through. */
  readonly proxy?: TcpProxy;
  close?(): void;
}

const untilTrusted = (...processes: readonly CachedLedger[]) =>
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
  const { proxy, close, writerStore, ...replacements } = await setUp(redis);
  await peopleOf(database).addUsers([ANNA, BO]);
  const writerUrl = proxy ? `redis://127.0.0.1:${proxy.port}` : redis.url;
  const writer = await startCachedLedger(database, writerUrl, {
    ...replacements,
    ...(writerStore && { store: writerStore }),
  });
  const reader = await startCachedLedger(database, redis.url, replacements);
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

/** Pays 1 won, again under the same key while that is UNAVAILABLE, as it may be on a busy machine; the payer's balance after. */
function pay(writer: CachedLedger): Promise<number> {
  const key = crypto.randomUUID();
  const isUnavailable = (error: unknown) => error instanceof Refusal && error.reason === 'UNAVAILABLE';
  return until('it is paid', () =>
    writer.pay(ANNA, BO, 1, key).catch((error): undefined => {
      if (!isUnavailable(error)) throw error;
    }),
  );
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
      answered = await pay(writer);
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
    const answered = await pay(writer);
    assert.equal(await reader.balance(ANNA), answered);
  }
}

/** A lease that stays trusted, in its first epoch, whatever happens to the real one. */
const blind = (lease: Lease): Lease => {
  let first: string | undefined;
  return {
    ...lease,
    current: () => {
      first ??= lease.current();
      return first;
    },
    isSuspended: () => true,
  };
};

async function writerIsCutOffUnnoticed({ writer, reader, ...rest }: Context): Promise<void> {
  // On a busy machine an entry may miss Redis by its timeout. Then its tombstone stays, and there is nothing old to show.
  const isCached = async () => {
    await reader.balance(ANNA);
    if (reader.lastResult() === 'hit') return true;
    await pay(writer);
    return false;
  };
  await until('the balance is in Redis', isCached, TRUSTED_WITHIN_MS);
  cutOff(rest);
  // On a busy machine a read may miss Redis by its timeout, and be right by way of Postgres; the next one is not.
  const isOldShown = async () => {
    const answered = await pay(writer);
    return (await reader.balance(ANNA)) !== answered;
  };
  await until('an old balance is shown', isOldShown, SEEN_WITHIN_MS);
}

/** Lets the entries of a payment be put after those of the next one. */
function createRace() {
  let [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let puts = Number.POSITIVE_INFINITY;
  return {
    begin: () => {
      [first, second] = [Promise.withResolvers(), Promise.withResolvers()];
      puts = 0;
    },
    /** Resolves when the entries of both payments have been put. */
    isOver: () => first.promise,
    storeOver: (store: Store): Store => ({
      ...store,
      replaceTombstones: async (entries) => {
        const turn = ++puts;
        if (turn === 1) await second.promise;
        await store.replaceTombstones(entries);
        if (turn === 1) first.resolve();
        if (turn === 2) second.resolve();
      },
    }),
  };
}

type Race = ReturnType<typeof createRace>;

/** Two payments, of which the first one's entry arrives last; the balance that is then read, and that was answered. */
async function raceEntries(
  { writer, reader }: Context,
  race: Race,
): Promise<{ read: number; answered: number }> {
  // On a busy machine a payment may miss Redis by its timeout, and puts no entry then.
  const answered = await until('both payments put their entries', async () => {
    await untilTrusted(writer, reader);
    race.begin();
    await pay(writer);
    const last = await pay(writer);
    return (await Promise.race([race.isOver().then(() => true), sleep(PUT_WITHIN_MS, false)])) && last;
  });
  return { read: await reader.balance(ANNA), answered };
}

async function redisIsLost({ writer, reader, redis }: Context, isEmptied: boolean): Promise<void> {
  const before = await pay(writer);
  assert.equal(await reader.balance(ANNA), before);
  if (isEmptied) {
    const connection = await connectTo(redis.url);
    await connection.flushall();
    connection.disconnect();
  } else await redis.kill();
  for (let index = 0; index < 5; index++) {
    const answered = await pay(writer);
    assert.equal(await reader.balance(ANNA), answered);
  }
  if (!isEmptied) await redis.restart();
  for (let index = 0; index < 50; index++) {
    const answered = await pay(writer);
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
    const race = createRace();
    const blindly = async (redis: OwnRedis) => {
      const connection = await connectTo(redis.url);
      const store = (real: Store): Store => ({
        ...real,
        setTombstones: () => Promise.resolve([]),
        replaceTombstones: async (entries) => {
          for (const { key, entry, ttlMs } of entries) await connection.set(key, entry, 'PX', ttlMs);
        },
      });
      const writerStore = (real: Store) => race.storeOver(store(real));
      return { store, writerStore, close: () => connection.disconnect() };
    };
    await withTwo(async (context) => {
      const isOldShown = async () => {
        const { read, answered } = await raceEntries(context, race);
        return read !== answered;
      };
      await until('an old balance is shown', isOldShown, SEEN_WITHIN_MS);
    }, blindly);
  });

  test('with versions, the same late entry is ignored', () => {
    const race = createRace();
    return withTwo(
      async (context) => {
        const { read, answered } = await raceEntries(context, race);
        assert.equal(read, answered);
      },
      async () => ({ writerStore: race.storeOver }),
    );
  });

  test('Redis is restarted with what it had: what was answered shows', () =>
    withTwo((context) => redisIsLost(context, false)));

  test('Redis is emptied: what was answered shows', () => withTwo((context) => redisIsLost(context, true)));

  test('a process that dies between commit and publishing leaves nothing stale behind', () =>
    withTwo(
      async ({ writer, reader }) => {
        const answered = await pay(writer);
        let reads = 0;
        await until('it has read ten times, and met the tombstone', async () => {
          assert.equal(await reader.balance(ANNA), answered);
          return ++reads >= 10 && reader.lastResult() === 'contended';
        });
      },
      async () => ({
        store: (real: Store): Store => ({ ...real, replaceTombstones: () => new Promise(() => {}) }),
      }),
    ));
});
