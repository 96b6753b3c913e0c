// Those who wait share polls, and nothing polls once nobody waits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPoller, QUIET } from '../../src/resilience/index.ts';
import { until } from '../until.ts';

const INTERVAL_MS = 5;
const LONG_MS = 60_000;
const forever = new AbortController().signal;

/** A poller of numbers by their names: each is news to those who know another one. */
function pollerOf(state: Record<string, number>) {
  const polls: number[] = [];
  const poller = createPoller(
    INTERVAL_MS,
    async (known: readonly { name: string; is: number | undefined }[]) => {
      polls.push(known.length);
      return known.map(({ name, is }) => (state[name] === is ? QUIET : state[name]));
    },
  );
  return { poller, polls };
}

test('a hundred who wait for three things cost one read a poll, and each gets its own as soon as it is new', async () => {
  const state: Record<string, number> = { a: 1, b: 1, c: 1 };
  const { poller, polls } = pollerOf(state);
  const names = Array.from({ length: 100 }, (_, index) => 'abc'[index % 3] ?? '');
  const fresh = names.map((name) => poller.next({ name, is: undefined }, LONG_MS, forever));
  assert.deepEqual(await Promise.all(fresh), Array(100).fill(1));
  assert.deepEqual(polls, [100]);
  const waiting = names.map((name) => poller.next({ name, is: 1 }, LONG_MS, forever));
  await until('three polls with nothing new', () => polls.length >= 4);
  state.b = 2;
  const told = await Promise.all(waiting.filter((_, index) => names[index] === 'b'));
  assert.deepEqual(told, Array(33).fill(2));
  await until('the others are polled on', () => polls.at(-1) === 67);
  Object.assign(state, { a: 2, c: 2 });
  assert.deepEqual(await Promise.all(waiting), Array(100).fill(2));
});

test('who waits for something that is gone is told so, and who waits in vain that nothing has happened', async () => {
  const { poller, polls } = pollerOf({ a: 1 });
  assert.equal(await poller.next({ name: 'gone', is: 1 }, LONG_MS, forever), undefined);
  assert.equal(await poller.next({ name: 'a', is: 1 }, 0, forever), QUIET);
  assert.deepEqual(polls, [1, 1]);
});

test('who leaves is released at once, and when all have left nothing polls until somebody comes', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { poller, polls } = pollerOf({ a: 1 });
  const [leaving, staying] = [new AbortController(), new AbortController()];
  const left = assert.rejects(poller.next({ name: 'a', is: 1 }, LONG_MS, leaving.signal), /gone/);
  const stays = poller.next({ name: 'a', is: 0 }, LONG_MS, staying.signal);
  leaving.abort(new Error('gone'));
  await left;
  assert.deepEqual(polls, [], 'it did not wait for the poll');
  t.mock.timers.tick(INTERVAL_MS);
  assert.equal(await stays, 1, 'who stays is told');
  assert.deepEqual(polls, [1]);
  const last = assert.rejects(poller.next({ name: 'a', is: 1 }, LONG_MS, staying.signal), /gone/);
  staying.abort(new Error('gone'));
  await last;
  await assert.rejects(poller.next({ name: 'a', is: 1 }, LONG_MS, staying.signal), /gone/);
  t.mock.timers.tick(100 * INTERVAL_MS);
  assert.deepEqual(polls, [1]);
  const later = poller.next({ name: 'a', is: 0 }, LONG_MS, forever);
  t.mock.timers.tick(INTERVAL_MS);
  assert.equal(await later, 1, 'and who comes later is told');
});

test('polls do not overlap: who comes while one is under way waits for the next', async () => {
  const answers: ((news: number[]) => void)[] = [];
  const poller = createPoller(INTERVAL_MS, (known: readonly string[]) => {
    const { promise, resolve } = Promise.withResolvers<number[]>();
    answers.push((news) => resolve(known.map((_, index) => news[index] ?? 0)));
    return promise;
  });
  const early = poller.next('early', LONG_MS, forever);
  await until('a poll is under way', () => answers.length === 1);
  const late = poller.next('late', LONG_MS, forever);
  let isEarlyTold = false;
  void early.then(() => (isEarlyTold = true));
  assert.equal(isEarlyTold, false);
  answers[0]?.([1]);
  assert.equal(await early, 1);
  await until('the next poll is under way', () => answers.length === 2);
  answers[1]?.([2]);
  assert.equal(await late, 2);
});

test('where a poll fails all who wait hear of it, and the next one polls again', async () => {
  let isAway = true;
  const poller = createPoller(INTERVAL_MS, async (known: readonly string[]) => {
    if (isAway) throw new Error('away');
    return known;
  });
  await Promise.all(['a', 'b'].map((name) => assert.rejects(poller.next(name, LONG_MS, forever), /away/)));
  isAway = false;
  assert.equal(await poller.next('a', LONG_MS, forever), 'a');
});
