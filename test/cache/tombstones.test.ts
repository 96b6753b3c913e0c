// Tombstones of commits that are under way, in a real Redis: how long they live, and what removes them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { createStore, type Store, TOMBSTONE_TTL_MS } from '../../src/cache/store.ts';
import { withoutRedis } from '../redis/own-redis.ts';
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

test('removing tombstones removes only those of the same version', { skip }, async () => {
  await redis.del(key);
  await store.setTombstones([{ key, version: 8 }]);
  await store.removeTombstones([{ key, version: 7 }]);
  assert.equal(await redis.get(key), 'M8');
  await store.removeTombstones([{ key, version: 8 }]);
  assert.equal(await redis.get(key), null);
});
