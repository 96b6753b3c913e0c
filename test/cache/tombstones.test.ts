// Tombstones of commits that are under way, in a real Redis: how long they live, and what removes them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { CLAIMED, createStore, type Store, TOMBSTONE_TTL_MS } from '../../src/cache/store.ts';
import { startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { given } from '../stack.ts';

const skip = withoutRedis;
let redis: Redis;
let store: Store;
const key = `test:tombstones:${crypto.randomUUID()}`;
before(async () => {
  if (skip) return;
  redis = new Redis(given('TEST_REDIS_URL'));
  const url = given('TEST_REDIS_URL');
  store = await createStore({ url, timeoutMs: 5_000, onStateChange: () => {}, onConnectionError: () => {} });
});
after(async () => {
  if (skip) return;
  await redis.del(key);
  redis.disconnect();
  store[Symbol.dispose]();
});

test('a lower tombstone renews the life of a higher one: none expires before the commit that set the last one', {
  skip,
}, async () => {
  // The commit of version 5 came to nothing long ago; that of version 4 begins now.
  await store.setTombstones([{ key, version: 5 }]);
  await redis.pexpire(key, 2_000);
  await store.setTombstones([{ key, version: 4 }]);
  assert.equal(await redis.get(key), 'M5');
  assert.ok((await redis.pttl(key)) > TOMBSTONE_TTL_MS / 2, `it ends in ${await redis.pttl(key)} ms`);
});

test('a lower tombstone changes nothing of a newer entry', { skip }, async () => {
  await redis.set(key, 'V7|entry', 'PX', 30_000);
  await store.setTombstones([{ key, version: 6 }]);
  assert.equal(await redis.get(key), 'V7|entry');
  assert.ok((await redis.pttl(key)) <= 30_000);
});

const nothing = (version: number) => ({ key, version, entry: '', ttlMs: 0 });

test('removing tombstones removes only those of the same version', { skip }, async () => {
  await redis.del(key);
  await store.setTombstones([{ key, version: 8 }]);
  await store.replaceTombstones([nothing(7)]);
  assert.equal(await redis.get(key), 'M8');
  await store.replaceTombstones([nothing(8)]);
  assert.equal(await redis.get(key), null);
});

test('an entry replaces its own tombstone and nothing that came after it, not even the room that a later one left', {
  skip,
}, async () => {
  const entry = { key, version: 8, entry: 'V8|entry', ttlMs: 30_000 };
  for (const later of ['M9', 'V9|entry', 'Treader']) {
    await redis.set(key, later);
    await store.replaceTombstones([entry]);
    assert.equal(await redis.get(key), later);
  }
  await redis.del(key);
  await store.replaceTombstones([entry]);
  assert.equal(await redis.get(key), null);
  await store.setTombstones([{ key, version: 8 }]);
  await store.replaceTombstones([entry]);
  assert.equal(await redis.get(key), 'V8|entry');
});

test('a tombstone tells whether somebody reads what it replaces, and how long that would have lived', {
  skip,
}, async () => {
  const version = 10;
  await redis.del(key);
  assert.deepEqual(await store.setTombstones([{ key, version }]), [0]);
  assert.deepEqual(await store.setTombstones([{ key, version }]), [0], 'another commit reads nothing');
  await redis.set(key, 'Treader', 'PX', 30_000);
  assert.deepEqual(await store.setTombstones([{ key, version }]), [CLAIMED]);
  await redis.set(key, 'V9|entry', 'PX', 30_000);
  const [lifeMs = 0] = await store.setTombstones([{ key, version }]);
  assert.ok(lifeMs > 20_000 && lifeMs <= 30_000, `${lifeMs} ms`);
});

test('a value that is none of ours gives way to a tombstone, whatever its type', { skip }, async () => {
  for (const write of [
    () => redis.hset(key, 'a', '1'),
    () => redis.set(key, 'Vnothing'),
    () => redis.set(key, ''),
  ]) {
    await redis.del(key);
    await write();
    await store.setTombstones([{ key, version: 3 }]);
    assert.equal(await redis.get(key), 'M3');
  }
});

test('one command sets, replaces and removes thousands of tombstones, each by its own version', {
  skip,
}, async () => {
  const versions = Array.from({ length: 9_000 }, (_, index) => ({
    key: `${key}:${index}`,
    version: index + 1,
  }));
  try {
    await redis.set(`${key}:8500`, 'V8000|entry', 'PX', 30_000);
    const lives = await store.setTombstones(versions);
    assert.equal(lives.length, versions.length);
    assert.deepEqual(
      lives.flatMap((life, index) => (life === 0 ? [] : index)),
      [8_500],
      'one of them was an entry',
    );
    // Of every ten tombstones the last two stay: one has an entry in its place, and one is of another commit.
    await store.replaceTombstones(
      versions.map(({ key, version }) => ({
        key,
        version: version % 10 === 0 ? version + 1 : version,
        entry: version % 10 === 9 ? `V${version}|entry` : '',
        ttlMs: 30_000,
      })),
    );
    assert.deepEqual(
      await redis.mget(versions.map((one) => one.key)),
      versions.map(({ version }) =>
        version % 10 === 0 ? `M${version}` : version % 10 === 9 ? `V${version}|entry` : null,
      ),
    );
  } finally {
    await redis.del(versions.map((one) => one.key));
  }
});

test('a Redis without memory still lets go of the tombstones of a commit that has an entry to write', {
  skip,
}, async () => {
  const own = await startOwnRedis();
  const full = new Redis(own.url);
  const ownStore = await createStore({
    url: own.url,
    timeoutMs: 5_000,
    onStateChange: () => {},
    onConnectionError: () => {},
  });
  try {
    const versions = ['a', 'b', 'c'].map((name) => ({ key: name, version: 1 }));
    await ownStore.setTombstones(versions);
    await full.config('SET', 'maxmemory', '1');
    const replacing = versions.map((one, index) =>
      index === 1 ? { ...one, entry: 'V1|entry', ttlMs: 30_000 } : { ...one, entry: '', ttlMs: 0 },
    );
    await ownStore.replaceTombstones(replacing);
    await full.config('SET', 'maxmemory', '0');
    assert.deepEqual(await full.mget('a', 'b', 'c'), [null, 'V1|entry', null]);
  } finally {
    full.disconnect();
    ownStore[Symbol.dispose]();
    await own.stop();
  }
});
