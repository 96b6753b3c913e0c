// Singleflight: concurrent callers share one call, but never one that began before they came.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSingleflight } from '../../src/resilience/index.ts';

/** A function that resolves with the number of its call, once it is let go. */
function numbered() {
  let calls = 0;
  const pending: (() => void)[] = [];
  return {
    fn: async () => {
      calls += 1;
      const number = calls;
      await new Promise<void>((resolve) => pending.push(resolve));
      return number;
    },
    next: () => pending.shift()?.(),
    calls: () => calls,
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('callers that come while a call is under way share the one after it', async () => {
  const singleflight = createSingleflight();
  const { fn, next, calls } = numbered();
  const first = singleflight.do('key', fn);
  const later = Array.from({ length: 10 }, () => singleflight.do('key', fn));
  assert.equal(calls(), 1);
  next();
  assert.equal(await first, 1);
  await turn();
  assert.equal(calls(), 2);
  next();
  assert.deepEqual(await Promise.all(later), Array(10).fill(2));
});

test('a caller that comes after the shared call has begun waits for one more', async () => {
  const singleflight = createSingleflight();
  const { fn, next } = numbered();
  const first = singleflight.do('key', fn);
  const second = singleflight.do('key', fn);
  next();
  await first;
  await turn();
  const third = singleflight.do('key', fn);
  next();
  assert.equal(await second, 2);
  await turn();
  next();
  assert.equal(await third, 3);
});

test('an error goes to those who share the call, and not to the next ones', async () => {
  const singleflight = createSingleflight();
  const first = singleflight.do('key', () => Promise.reject(new Error('no')));
  const second = singleflight.do('key', async () => 2);
  await assert.rejects(first, /no/);
  assert.equal(await second, 2);
});

test('other keys are not shared', async () => {
  const singleflight = createSingleflight();
  assert.deepEqual(
    await Promise.all([singleflight.do('one', async () => 1), singleflight.do('other', async () => 2)]),
    [1, 2],
  );
});
