// The circuit breaker: when it opens, what does not open it, and how it closes again. That a process which stood still reads
// what has arrived is held in test/admission/without-redis.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Breaker, type BreakerState, createBreaker } from '../../src/resilience/index.ts';
import { until } from '../until.ts';

const TIMEOUT_MS = 50;

function breakerOf(capacity = 100): { readonly breaker: Breaker; readonly states: BreakerState[] } {
  const states: BreakerState[] = [];
  const onStateChange = (state: BreakerState) => states.push(state);
  return { breaker: createBreaker({ timeoutMs: TIMEOUT_MS, capacity, onStateChange }), states };
}

const fail = () => Promise.reject(new Error('no'));
const hang = () => new Promise<never>(() => {});

test('it opens after five failures in a row, however well it went before', async () => {
  const { breaker, states } = breakerOf();
  await Promise.all(Array.from({ length: 100 }, () => breaker.run(async () => 1)));
  for (let failure = 1; failure <= 5; failure++) {
    assert.equal(breaker.state(), 'closed');
    await assert.rejects(breaker.run(fail), /no/);
  }
  assert.deepEqual(states, ['open']);
  let calls = 0;
  await assert.rejects(breaker.run(async () => ++calls));
  assert.equal(calls, 0);
  breaker[Symbol.dispose]();
});

test('work for five callers that fails is five failures', async () => {
  const { breaker, states } = breakerOf();
  await assert.rejects(breaker.run(fail, 5));
  assert.deepEqual(states, ['open']);
  breaker[Symbol.dispose]();
});

test('work that takes too long fails, and its late answer changes nothing', async () => {
  const { breaker, states } = breakerOf();
  const work = sleep(20 * TIMEOUT_MS, 'late' as const);
  const failed = assert.rejects(
    breaker.run(() => work),
    /no answer within 50 ms/,
  );
  assert.equal(await Promise.race([work, failed]), undefined, 'it fails before the answer comes');
  assert.equal(breaker.stats().failures, 1);
  await work;
  // The failure itself counts for a second only.
  assert.ok(breaker.stats().failures <= 1);
  assert.deepEqual(states, []);
  breaker[Symbol.dispose]();
});

test('calls beyond the capacity fail at once, and do not open it', async () => {
  const { breaker, states } = breakerOf(2);
  const work = Promise.withResolvers<void>();
  const under = [1, 2].map(() => breaker.run(() => work.promise));
  const beyond = await Promise.allSettled(Array.from({ length: 50 }, () => breaker.run(async () => {})));
  assert.ok(beyond.every(({ status }) => status === 'rejected'));
  work.resolve();
  await Promise.all(under);
  await breaker.run(async () => {});
  assert.deepEqual(states, []);
  assert.equal(breaker.stats().semaphoreRejections, 50);
  breaker[Symbol.dispose]();
});

test('half-open, one call is tried: a failure opens it again, an answer closes it', async () => {
  const { breaker, states } = breakerOf();
  await assert.rejects(breaker.run(fail, 5));
  await until('it is half-open', () => breaker.state() === 'half-open');
  const [tried, other] = await Promise.allSettled([breaker.run(hang), breaker.run(async () => 1)]);
  assert.deepEqual([tried?.status, other?.status], ['rejected', 'rejected']);
  await until('it is half-open again', () => breaker.state() === 'half-open');
  assert.equal(await breaker.run(async () => 1), 1);
  assert.deepEqual(states, ['open', 'half-open', 'open', 'half-open', 'closed']);
  breaker[Symbol.dispose]();
});
