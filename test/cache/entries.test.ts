// Cache entries in Redis: what was answered shows at once through every process, and what is not ours is never trusted.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { CacheResult } from '../../src/cache/read.ts';
import type { Redis } from '../../src/redis/index.ts';
import { connectTo } from '../admission/callers.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { makeDatabase, ownerPool, peopleOf, type TestDatabase } from '../stack.ts';
import { until } from '../until.ts';
import { type CachedLedger, startCachedLedger } from './cached-ledger.ts';

const skip = withoutRedis;
const [ANNA, BO] = [8101, 8102];
let redis: OwnRedis;
/** For what the processes do not show. */
let connection: Redis;
let database: TestDatabase;
let one: CachedLedger;
let other: CachedLedger;

before(async () => {
  if (skip) return;
  redis = await startOwnRedis();
  connection = await connectTo(redis.url);
  database = await makeDatabase();
  await peopleOf(database).addUsers([ANNA, BO]);
  one = await startCachedLedger(database, redis.url);
  other = await startCachedLedger(database, redis.url);
  await one.deposit(ANNA, 1_000_000);
});
beforeEach(async () => {
  if (!skip) await untilTrusted(one, other);
});
after(async () => {
  if (skip) return;
  await one.stop();
  await other.stop();
  await database.drop();
  connection.disconnect();
  await redis.stop();
});

const untilTrusted = (...processes: readonly CachedLedger[]) =>
  until('entries are trusted', () => processes.every(({ lease }) => lease.current() !== undefined));

/** Reads ANNA's balance, which is right every time, until that came to this: a busy process may trust no entries for a moment. */
const untilRead = (result: CacheResult, balance: number) =>
  until(`a read is a ${result}`, async () => {
    assert.equal(await one.balance(ANNA), balance);
    return one.lastResult() === result;
  });

/** Reads until that costs no statement: a busy process may trust no entries for a moment, and Redis may be late. */
const untilFree = (read: () => Promise<void>) =>
  until('reading costs no statement', async () => {
    const before = one.statements();
    await read();
    return one.statements() === before;
  });

/** The keys of a kind's entries in Redis. */
function keysOf(kind: string): Promise<string[]> {
  return connection.keys(`test:copy:*:${kind}:*`);
}

test('a hit costs no statement', { skip }, async () => {
  await untilFree(async () => {
    for (let index = 0; index < 10; index++) {
      await one.balance(ANNA);
      assert.equal((await one.newest(ANNA)).length, 1);
    }
  });
  assert.equal(one.lastResult(), 'hit');
});

test('what was answered is read at once through every process', { skip }, async () => {
  for (let index = 0; index < 200; index++) {
    const [writer, reader] = index % 2 ? [one, other] : [other, one];
    const answered = await writer.pay(ANNA, BO, 1);
    assert.equal(await reader.balance(ANNA), answered);
  }
});

test('a commit puts the entry of a wallet that somebody reads, and leaves the others to their readers', {
  skip,
}, async () => {
  // The entries of payments before are put, or readers came in between.
  const values = async () => {
    const keys = await keysOf('wallet1');
    return keys.length === 0 ? [] : await connection.mget(keys);
  };
  await until('nothing is under way', async () => !(await values()).some((value) => value?.startsWith('M')));
  for (const key of await keysOf('wallet1')) await connection.del(key);
  await untilRead('hit', await one.balance(ANNA));
  const answered = await other.pay(ANNA, BO, 1);
  await until('one of the two has an entry', async () => {
    const [first, ...others] = await values();
    return first?.startsWith('V') && others.length === 0;
  });
  await untilRead('hit', answered);
});

test('concurrent readers of one thing share one read', { skip }, async () => {
  await other.pay(ANNA, BO, 1);
  await connection.del(await keysOf('wallet1'));
  const before = one.statements();
  const balances = await Promise.all(Array.from({ length: 100 }, () => one.balance(ANNA)));
  assert.equal(new Set(balances).size, 1);
  assert.ok(one.statements() - before <= 2, `${one.statements() - before} statements`);
});

test('that a user does not exist is remembered too, until it is created', { skip }, async () => {
  const stranger = 8199;
  await until('it is remembered', async () => {
    assert.equal(await one.users.find(BigInt(stranger)), undefined);
    return one.lastResult() === 'hit';
  });
  await other.users.create(BigInt(stranger), 'Late');
  assert.equal((await one.users.find(BigInt(stranger)))?.displayName, 'Late');
  await other.users.rename(BigInt(stranger), 'Later');
  assert.equal((await one.users.find(BigInt(stranger)))?.displayName, 'Later');
});

test('while a commit is under way, no reader fills the cache with the state before it', {
  skip,
}, async () => {
  const before = await one.balance(ANNA);
  // Between tombstones and commit a reader comes, which still sees the old balance in Postgres.
  one.whileCommitting(async () => {
    assert.equal(await other.balance(ANNA), before);
  });
  const answered = await one.pay(ANNA, BO, 1);
  one.whileCommitting(async () => {});
  assert.equal(await other.balance(ANNA), answered);
});

for (const [name, entry] of [
  ['not ours', 'V999999|AAAAAAAAAAAAAAAAAAAAAA|["x"]'],
  ['of no form', 'hello'],
  ['empty', ''],
  ['older', '{"balance":"999999999"}'],
] as const) {
  test(`an entry that is ${name} is deleted and read from Postgres, and no caller sees an error`, {
    skip,
  }, async () => {
    const balance = await one.balance(ANNA);
    for (const key of await keysOf('wallet1')) await connection.set(key, entry);
    await untilRead('corrupt', balance);
    await untilRead('hit', balance);
  });
}

test("another wallet's genuine entry is not trusted under this one's key", { skip }, async () => {
  const balance = await one.balance(ANNA);
  await one.balance(BO);
  // Nobody waits for an entry to be filled in.
  await until('both wallets are in the cache', async () => {
    await one.balance(BO);
    return (await keysOf('wallet1')).length === 2;
  });
  const keys = await keysOf('wallet1');
  const entries = await connection.mget(keys);
  for (const [index, key] of keys.entries()) await connection.set(key, entries.at(index - 1) ?? '');
  await untilRead('corrupt', balance);
});

test('a key of another type is no error for a caller', { skip }, async () => {
  const balance = await one.balance(ANNA);
  for (const key of await keysOf('wallet1')) {
    await connection.del(key);
    await connection.lpush(key, 'a list');
  }
  assert.equal(await one.balance(ANNA), balance);
  const answered = await one.pay(ANNA, BO, 1);
  assert.equal(await other.balance(ANNA), answered);
  await connection.del(await connection.keys('test:copy:*'));
});

test('a token that never was, or was over long ago, costs no statement twice', { skip }, async () => {
  await untilFree(async () => {
    for (let index = 0; index < 5; index++)
      assert.equal(await one.sprinkles.findToken('nowhere', 'AAA'), undefined);
  });
});

test('every entry expires', { skip }, async () => {
  await one.balance(ANNA);
  for (const key of await connection.keys('test:copy:*')) assert.ok((await connection.pttl(key)) > 0, key);
  const owner = ownerPool(database);
  const { rows } = await owner.query('SELECT count(*)::int AS count FROM cache_epochs');
  assert.equal(rows[0]?.count, 1);
  await owner.end();
});
