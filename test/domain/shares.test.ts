// Shares: they sum to the amount, each is at least 1, and every split is equally likely.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { drawShares, splitAmount } from '../../src/domain/shares.ts';
import { cryptoRandom } from '../../src/runtime/crypto-random.ts';
import { seededRandom } from './seeded-random.ts';

const MAX_AMOUNT = 2 ** 48 - 1;

const split = fc
  .record({
    headcount: fc.integer({ min: 1, max: 300 }),
    more: fc.integer({ min: 0, max: MAX_AMOUNT - 300 }),
  })
  .map(({ headcount, more }) => ({ headcount, amount: headcount + more }));

test('shares are as many as asked for, at least 1 each, and sum to the amount', () => {
  fc.assert(
    fc.property(split, fc.integer(), ({ amount, headcount }, seed) => {
      const shares = drawShares(amount, headcount, seededRandom(seed));
      assert.equal(shares.length, headcount);
      assert.ok(shares.every((share) => share >= 1));
      assert.equal(
        shares.reduce((sum, share) => sum + share, 0),
        amount,
      );
    }),
  );
});

test('the edges: one share, shares of 1 each, the largest amount, the largest headcount', () => {
  assert.deepEqual(drawShares(1, 1, cryptoRandom), [1]);
  assert.deepEqual(drawShares(5, 5, cryptoRandom), [1, 1, 1, 1, 1]);
  const [first = 0, second = 0] = drawShares(MAX_AMOUNT, 2, cryptoRandom);
  assert.equal(first + second, MAX_AMOUNT);
  assert.equal(drawShares(10_000, 10_000, cryptoRandom).length, 10_000);
});

/** Terms whose floor and ceiling are possible, often so tight that every share is cut. */
const terms = fc
  .record({
    headcount: fc.integer({ min: 1, max: 60 }),
    floor: fc.bigInt({ min: 1n, max: 1000n }),
    more: fc.oneof(fc.bigInt({ min: 0n, max: 200n }), fc.bigInt({ min: 0n, max: 2n ** 40n })),
    slack: fc.oneof(fc.bigInt({ min: 0n, max: 3n }), fc.bigInt({ min: 0n, max: 2n ** 40n })),
  })
  .map(({ headcount, floor, more, slack }) => {
    const count = BigInt(headcount);
    const amount = count * floor + more;
    const ceiling = (amount + count - 1n) / count + slack;
    return {
      mode: 'random',
      amount,
      headcount,
      floor,
      ceiling: ceiling < amount ? ceiling : amount,
    } as const;
  });

test('shares keep to the floor and the ceiling, and still sum to the amount', () => {
  fc.assert(
    fc.property(terms, fc.integer(), (given, seed) => {
      const shares = splitAmount(given, seededRandom(seed));
      assert.equal(shares.length, given.headcount);
      assert.ok(shares.every((share) => share >= given.floor && share <= given.ceiling));
      assert.equal(
        shares.reduce((sum, share) => sum + share, 0n),
        given.amount,
      );
    }),
    { numRuns: 500 },
  );
});

test('a ceiling that leaves no choice gives everybody the same', () => {
  const tight = { mode: 'random', amount: 700n, headcount: 7, floor: 1n, ceiling: 100n } as const;
  assert.deepEqual(splitAmount(tight, cryptoRandom), Array<bigint>(7).fill(100n));
});

/** Pearson's statistic of how far observed counts are from equal ones. */
function chiSquared(counts: readonly number[], draws: number): number {
  const expected = draws / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** Counts how often each of the 36 splits of 10 into 3 shares comes up. */
function countSplits(draw: () => number[], draws: number): number[] {
  const counts = new Map<string, number>();
  for (let first = 1; first <= 8; first++) {
    for (let second = 1; second <= 9 - first; second++)
      counts.set(`${first},${second},${10 - first - second}`, 0);
  }
  assert.equal(counts.size, 36);
  for (let i = 0; i < draws; i++) {
    const key = draw().join(',');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  assert.equal(counts.size, 36, 'a split came up that does not exist');
  return [...counts.values()];
}

/** With 35 degrees of freedom, a fair draw exceeds this once in a million times. */
const LIMIT_35 = 92;

test('every split of 10 into 3 is equally likely, by chi-squared', () => {
  const draws = 72_000;
  assert.ok(
    chiSquared(
      countSplits(() => drawShares(10, 3, cryptoRandom), draws),
      draws,
    ) < LIMIT_35,
  );
});

test('negative control: cutting what is left again and again is not uniform, and the test sees it', () => {
  const greedy = () => {
    const first = 1 + cryptoRandom.below(8);
    const second = 1 + cryptoRandom.below(9 - first);
    return [first, second, 10 - first - second];
  };
  const draws = 72_000;
  assert.ok(chiSquared(countSplits(greedy, draws), draws) > LIMIT_35);
});

test('every position of a claim has the same average share', () => {
  const draws = 20_000;
  const sums = [0, 0, 0, 0];
  for (let i = 0; i < draws; i++) {
    drawShares(1000, 4, cryptoRandom).forEach((share, position) => {
      sums[position] = (sums[position] ?? 0) + share;
    });
  }
  // The standard deviation of one share is about 194, of the average of 20,000 about 1.4: 10 is seven of those.
  for (const sum of sums) assert.ok(Math.abs(sum / draws - 250) < 10);
});
