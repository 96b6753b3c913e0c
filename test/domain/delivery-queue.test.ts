// The queue of a webhook: the events of each wallet one after the other, whatever is taken, refused and tried again between.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DeliveryQueue } from '../../src/domain/delivery-queue.ts';
import { RETRIES, retryDelayMs, sends } from '../../src/domain/webhook.ts';
import { seededRandom } from './seeded-random.ts';

const WALLETS = ['a', 'b', 'c', 'd'];

test('an event waits for the earlier ones of its wallets, and those of others go on', () => {
  const queue = new DeliveryQueue();
  queue.add({ id: '1', walletIds: ['a', 'b'] }, 0);
  queue.add({ id: '2', walletIds: ['b', 'c'] }, 0);
  queue.add({ id: '3', walletIds: ['c'] }, 0);
  queue.add({ id: '4', walletIds: ['d'] }, 0);
  queue.add({ id: '5', walletIds: [] }, 0);
  const take = (now = 0, atMost = 10) => queue.take(now, atMost).map(({ id }) => id);
  assert.deepEqual(take(), ['1', '4', '5']);
  assert.deepEqual(take(), []);
  queue.retry('1', 50);
  assert.deepEqual(take(49), []);
  assert.deepEqual(take(50), ['1']);
  queue.done('1');
  assert.deepEqual(take(), ['2']);
  queue.done('2');
  assert.deepEqual(take(), ['3']);
  queue.retry('3', 100);
  queue.reschedule('3', 10);
  assert.deepEqual(take(10, 0), []);
  assert.deepEqual(take(10, 1), ['3']);
  for (const id of ['3', '4', '5', '5', 'unknown']) queue.done(id);
  assert.equal(queue.size, 0);
});

test('one that is added twice is there once', () => {
  const queue = new DeliveryQueue();
  queue.add({ id: '1', walletIds: ['a', 'a'] }, 0);
  queue.add({ id: '1', walletIds: ['a', 'a'] }, 0);
  assert.equal(queue.take(0, 10).length, 1);
  queue.add({ id: '1', walletIds: ['a', 'a'] }, 0);
  assert.deepEqual(queue.take(0, 10), []);
  queue.done('1');
  assert.equal(queue.get('1'), undefined);
});

test('when the receiver is back all that failed may be sent, in its order, but for what it asked to wait with', () => {
  const queue = new DeliveryQueue();
  for (const [id, wallet] of [...'aabc'].entries()) queue.add({ id: String(id), walletIds: [wallet] }, 0);
  const take = (now: number) => queue.take(now, 10).map(({ id }) => id);
  assert.deepEqual(take(0), ['0', '2', '3']);
  queue.retry('0', 3_600);
  queue.retry('2', 3_600, 1_800);
  queue.done('3');
  assert.deepEqual(take(10), []);
  queue.hurry(10);
  assert.deepEqual(take(10), ['0']);
  queue.done('0');
  assert.deepEqual(take(10), ['1']);
  assert.deepEqual(take(1_799), []);
  assert.deepEqual(take(1_800), ['2']);
  // What fails then is refused for itself.
  queue.retry('2', 5_000);
  queue.hurry(2_000);
  assert.deepEqual(take(4_999), []);
  assert.deepEqual(take(5_000), ['2']);
});

test('whatever happens, each event is done once, in order for each wallet', () => {
  const events = fc.array(fc.subarray(WALLETS), { maxLength: 40 });
  fc.assert(
    fc.property(events, fc.nat(), fc.integer({ min: 1, max: 5 }), (walletIds, seed, atMost) => {
      const random = seededRandom(seed);
      const queue = new DeliveryQueue();
      const done: number[] = [];
      const inFlight: string[] = [];
      let added = 0;
      for (let step = 0; done.length < walletIds.length; step += 1) {
        const number = random.below(100);
        if (number < 40 && added < walletIds.length)
          queue.add({ id: String(added), walletIds: walletIds[added++] ?? [] }, step);
        else if (number < 60) inFlight.push(...queue.take(step, atMost).map(({ id }) => id));
        else {
          const [id] = inFlight.splice(random.below(Math.max(1, inFlight.length)), 1);
          if (id === undefined) continue;
          if (number < 80) queue.retry(id, step + (number % 5));
          else {
            queue.done(id);
            done.push(Number(id));
          }
        }
      }
      assert.equal(queue.size, 0);
      assert.equal(new Set(done).size, walletIds.length);
      for (const wallet of WALLETS) {
        const own = done.filter((index) => walletIds[index]?.includes(wallet));
        assert.deepEqual(
          own,
          own.toSorted((one, other) => one - other),
          `the events of ${wallet}`,
        );
      }
    }),
    { numRuns: 300 },
  );
});

test('the pause between attempts doubles from 5 s to an hour, a random half of it, and heeds what the receiver asks for', () => {
  const pauses = [1, 2, 3, 10, 11, 40].map((attempt) =>
    [0, 1].map((random) => retryDelayMs(RETRIES, attempt, random) / 1000),
  );
  assert.deepEqual(pauses, [
    [2.5, 5],
    [5, 10],
    [10, 20],
    [1280, 2560],
    [1800, 3600],
    [1800, 3600],
  ]);
  assert.equal(retryDelayMs(RETRIES, 1, 0, 60_000), 60_000);
  assert.equal(retryDelayMs(RETRIES, 1, 0, 86_400_000), 3_600_000);
});

test('no type means all of them, and a test event is always sent', () => {
  assert.deepEqual(
    [[], ['hold.created']].map((types) =>
      ['hold.created', 'hold.voided', 'webhook.test'].map((type) => sends(types, type)),
    ),
    [
      [true, true, true],
      [true, false, true],
    ],
  );
});
