// Redis away: calls go on within the timeout, limits, caps and nonces hold in each process, and Redis is found again.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFree } from '../../scripts/dev/ports.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { until } from '../until.ts';
import { call, cap, createControl, perUser, TIMEOUT_MS } from './callers.ts';

const skip = withoutRedis;
let redis: OwnRedis;
let control: Awaited<ReturnType<typeof createControl>>;

before(async () => {
  if (!skip) redis = await startOwnRedis();
});
beforeEach(async () => {
  if (skip) return;
  control?.[Symbol.dispose]();
  control = await createControl(redis.url, crypto.randomUUID());
});
after(async () => {
  control?.[Symbol.dispose]();
  await redis?.stop();
});

async function timed<T>(work: Promise<T>): Promise<{ answer: T; tookMs: number }> {
  const startedAt = performance.now();
  const answer = await work;
  return { answer, tookMs: performance.now() - startedAt };
}

/** Calls until Redis is asked again, for at most so long. */
async function untilClosed(withinMs: number): Promise<void> {
  const giveUpAt = Date.now() + withinMs;
  while (control.state() !== 'closed') {
    assert.ok(Date.now() < giveUpAt, `still ${control.state()}`);
    await control.admit(call());
    await sleep(20);
  }
}

/** Makes calls until the breaker has opened. */
async function untilOpen(): Promise<void> {
  for (let tries = 0; control.state() !== 'open' && tries < 20; tries++) await control.admit(call());
  assert.equal(control.state(), 'open');
}

test('Redis hangs: everybody is answered within the timeout, then at once, and it is found again', {
  skip,
}, async () => {
  const before = call({ limits: [perUser(10, 20)] });
  await control.admit(before);
  // However well it went until now.
  await Promise.all(Array.from({ length: 2000 }, () => control.admit(call())));
  redis.freeze();
  try {
    const first = await timed(Promise.all(Array.from({ length: 200 }, () => control.admit(call()))));
    assert.ok(first.answer.every(({ outcome }) => outcome === 'admitted'));
    // Far less than one after the other; a busy machine may be late by itself.
    assert.ok(first.tookMs < 20 * TIMEOUT_MS, `${first.tookMs} ms`);
    assert.deepEqual(control.states, ['open']);
    const next = control.admit(call());
    assert.notEqual(await Promise.race([next, sleep(TIMEOUT_MS)]), undefined, 'it waited');
    assert.equal((await control.admit(before)).outcome, 'replayed');
    // It is tried again by one call, which waits, while the others don't.
    await until('it is half-open', () => control.state() === 'half-open');
    const [trial, beside] = [timed(control.admit(call())), control.admit(call())];
    assert.equal(await Promise.race([trial, beside.then(() => 'beside')]), 'beside');
    assert.ok((await trial).tookMs >= TIMEOUT_MS - 5);
  } finally {
    redis.thaw();
  }
  await untilClosed(5_000);
  // A busy machine may try more than once.
  assert.deepEqual(control.states.slice(0, 3), ['open', 'half-open', 'open']);
  assert.equal(control.states.at(-1), 'closed');
});

test('Redis is killed: limits, caps and nonces hold in the process, and it is found again', {
  skip,
}, async () => {
  const known = call();
  const guesser = cap(5, 60_000);
  const guess = () => call({ caps: [{ ...guesser, isGuess: true }] });
  await control.admit(known);
  await control.admit(guess());
  await redis.kill();
  try {
    await untilOpen();
    assert.equal((await control.admit(known)).outcome, 'replayed');
    const limits = [perUser(10, 20)];
    const admissions = await Promise.all(Array.from({ length: 100 }, () => control.admit(call({ limits }))));
    assert.equal(admissions.filter(({ outcome }) => outcome === 'admitted').length, 20);
    const { retryAfterMs = 0 } = admissions.at(-1)?.limited ?? {};
    await sleep(retryAfterMs + 1);
    assert.equal((await control.admit(call({ limits }))).outcome, 'admitted');
    for (let failure = 1; failure < 5; failure++) {
      assert.equal((await control.admit(guess())).outcome, 'admitted');
    }
    assert.equal((await control.admit(guess())).outcome, 'limited');
    assert.equal((await control.admit(call({ caps: [guesser] }))).outcome, 'limited');
  } finally {
    await redis.restart();
  }
  await untilClosed(10_000);
  // Redis knows nothing of the four failures in between; the process does.
  assert.equal((await control.admit(call({ caps: [guesser] }))).outcome, 'limited');
});

test('Redis away: of many at once with one nonce one passes, of many guesses as many as may', {
  skip,
}, async () => {
  await redis.kill();
  try {
    for (const state of ['closed', 'open']) {
      const same = call();
      const guesser = cap(5, 60_000, { isGuess: true });
      const all = await Promise.all(Array.from({ length: 50 }, () => control.admit(same)));
      assert.equal(all.filter(({ outcome }) => outcome === 'admitted').length, 1, state);
      const guesses = await Promise.all(
        Array.from({ length: 50 }, () => control.admit(call({ caps: [guesser] }))),
      );
      assert.equal(guesses.filter(({ outcome }) => outcome === 'admitted').length, 5, state);
      await untilOpen();
    }
    const retried = call({ nonce: { key: 'retried', edgeRequestId: 'edge-1', ttlMs: 60_000 } });
    assert.equal((await control.admit(retried)).outcome, 'admitted');
    assert.equal((await control.admit(retried)).outcome, 'admitted');
    const other = { ...retried, nonce: { ...retried.nonce, edgeRequestId: 'edge-2' } };
    assert.equal((await control.admit(other)).outcome, 'replayed');
  } finally {
    await redis.restart();
  }
});

test('a retry by the edge that meets Redis only after it came back passes', { skip }, async () => {
  const retried = call({ nonce: { key: 'late', edgeRequestId: 'edge-1', ttlMs: 60_000 } });
  await redis.kill();
  await untilOpen();
  assert.equal((await control.admit(retried)).outcome, 'admitted');
  await redis.restart();
  await untilClosed(10_000);
  assert.equal((await control.admit(retried)).outcome, 'admitted');
});

test('a process that stood still itself does not take that for Redis being away', { skip }, async () => {
  const calls = Array.from({ length: 10 }, () => control.admit(call()));
  // Once written, the calls are answered while nobody here listens.
  await new Promise((written) => setImmediate(written));
  const until = performance.now() + 3 * TIMEOUT_MS;
  while (performance.now() < until);
  await Promise.all(calls);
  assert.equal(control.state(), 'closed');
  assert.deepEqual(control.states, []);
});

test('without any Redis calls are decided in memory, and closing takes no time', async () => {
  const [nobody = 0] = await findFree(1);
  const alone = await createControl(`redis://127.0.0.1:${nobody}`, 'alone');
  try {
    const limits = [perUser(10, 3)];
    const all = await Promise.all(Array.from({ length: 10 }, () => alone.admit(call({ limits }))));
    assert.equal(all.filter(({ outcome }) => outcome === 'admitted').length, 3);
  } finally {
    alone[Symbol.dispose]();
  }
});
