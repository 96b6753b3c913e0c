// Caps: so many failures and no more, also for a guesser who tries many at the same moment, in many processes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AdmissionRequest, CapCheck } from '../../src/admission/request.ts';
import { GUESSING_CAP } from '../../src/domain/caps.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { call, cap, connectTo, createControl, perUser, SLOWLY } from './callers.ts';

const skip = withoutRedis;
let redis: OwnRedis;
let controls: Awaited<ReturnType<typeof createControl>>[] = [];

before(async () => {
  if (skip) return;
  redis = await startOwnRedis();
  controls = await Promise.all([1, 2].map(() => createControl(redis.url, 'caps')));
});
after(async () => {
  for (const control of controls) control[Symbol.dispose]();
  await redis?.stop();
});

const control = (index: number) => controls[index % 2] ?? assert.fail();
const under = (...caps: CapCheck[]) => call({ caps });
/** A call that fails: a guess, which nothing takes back. */
const failing = (...caps: CapCheck[]) => call({ caps: caps.map((one) => ({ ...one, isGuess: true })) });
/** So many of these at once, in turns by two processes; how many were let in. */
async function admitted(count: number, request: () => AdmissionRequest): Promise<number> {
  const all = await Promise.all(Array.from({ length: count }, (_, index) => control(index).admit(request())));
  return all.filter(({ outcome }) => outcome === 'admitted').length;
}

test('after 5 failures in a minute every guess is refused, also a right one; other callers are not affected', {
  skip,
}, async () => {
  const guesser = cap(0, 0, { windows: GUESSING_CAP });
  for (let failure = 0; failure < 5; failure++) {
    assert.equal((await control(failure).admit(under(guesser))).outcome, 'admitted');
    assert.equal((await control(failure).admit(failing(guesser))).outcome, 'admitted');
  }
  for (const process of [0, 1]) {
    const { outcome, limited } = await control(process).admit(under(guesser));
    assert.equal(outcome, 'limited');
    assert.equal(limited?.name, 'token');
    assert.ok((limited?.retryAfterMs ?? 0) > 45_000 && (limited?.retryAfterMs ?? 0) <= 60_000);
    assert.equal((await control(process).admit(failing(guesser))).limited?.name, 'token');
  }
  assert.equal((await control(0).admit(under(cap(0, 0, { windows: GUESSING_CAP })))).outcome, 'admitted');
});

test('of many guesses at once, in two processes, exactly 5 are made', { skip }, async () => {
  const guesser = cap(5, 60_000, { isGuess: true });
  assert.equal(await admitted(50, () => under(guesser)), 5);
});

test('negative control: a cap that counts no guesses admits all of them', { skip }, async () => {
  const guesser = cap(5, 60_000);
  assert.equal(await admitted(50, () => under(guesser)), 50);
});

test('a guess that was right is forgiven, in both places', { skip }, async () => {
  const guesser = cap(2, 60_000, { isGuess: true });
  for (let right = 0; right < 10; right++) {
    const admission = await control(right).admit(under(guesser));
    assert.equal(admission.outcome, 'admitted');
    await control(right).refundGuess(admission);
  }
  assert.equal(await admitted(10, () => under(guesser)), 2);
});

test('a guess that a limit refuses was not made', { skip }, async () => {
  const guesser = cap(2, 60_000, { isGuess: true });
  const spent = [perUser(SLOWLY, 1, { key: 'spent' })];
  await control(0).admit(call({ limits: spent }));
  assert.equal(await admitted(10, () => call({ limits: spent, caps: [guesser] })), 0);
  assert.equal(await admitted(10, () => under(guesser)), 2);
});

test('after the wait that the refusal names, one more failure is allowed, not two', { skip }, async () => {
  // Between the first two moments there is more time than a busy machine stands still.
  const guesser = cap(3, 3_000, { isGuess: true });
  const first = await control(0).admit(under(guesser));
  await sleep(1_500);
  assert.equal(await admitted(10, () => under(guesser)), 2);
  const { limited } = await control(0).admit(under(guesser));
  assert.ok(first.outcome === 'admitted' && (limited?.retryAfterMs ?? 0) <= 1_500);
  // Redis counts by its clock and the process by its own, a few milliseconds earlier.
  await sleep((limited?.retryAfterMs ?? 0) + 20);
  assert.equal(await admitted(10, () => under(guesser)), 1);
});

test('of two caps, one that is reached keeps the failure from counting under the other', {
  skip,
}, async () => {
  const [reached, other] = [cap(1, 60_000), cap(2, 60_000)];
  const outcomes = [];
  for (const caps of [[reached, other], [reached, other], [other], [other]])
    outcomes.push((await control(outcomes.length).admit(failing(...caps))).outcome);
  assert.deepEqual(outcomes, ['admitted', 'limited', 'admitted', 'limited']);
});

test('the second window holds where the first one lets through', { skip }, async () => {
  const windows = [
    { count: 2, windowMs: 40 },
    { count: 5, windowMs: 60_000 },
  ];
  const guesser = cap(0, 0, { windows, isGuess: true });
  let made = 0;
  for (let round = 0; round < 5; round++) {
    made += await admitted(10, () => under(guesser));
    await sleep(45);
  }
  assert.equal(made, 5);
});

test('when Redis is emptied, a process keeps what it counted itself', { skip }, async () => {
  const guesser = cap(1, 60_000);
  const seen = under();
  await control(0).admit(failing(guesser));
  await control(0).admit(seen);
  const connection = await connectTo(redis.url);
  await connection.flushall();
  connection.disconnect();
  assert.equal((await control(0).admit(under(guesser))).outcome, 'limited');
  assert.equal((await control(0).admit(seen)).outcome, 'replayed');
  assert.equal((await control(0).admit(under())).outcome, 'admitted');
  assert.deepEqual(control(0).states, []);
});
