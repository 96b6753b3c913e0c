// Caps: at most so many failures in any stretch of time, and a failure more as soon as one is old enough.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CapWindow, GUESSING_CAP, waitOfCap } from '../../src/domain/caps.ts';
import type { Micros } from '../../src/domain/time.ts';

const NOW = 1_790_000_000_000_000;
const MINUTE_MS = 60_000;

/** Lets somebody fail at these gaps, as far as he may; returns when he did. */
function play(gapsMs: readonly number[], windows: readonly CapWindow[]): Micros[] {
  let now = NOW;
  const failures: Micros[] = [];
  for (const gap of gapsMs) {
    now += gap * 1000;
    if (waitOfCap(failures, windows, now) === 0) failures.unshift(now);
  }
  return failures;
}

test('5 a minute and 100 a day, in any minute and any day', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(4 * MINUTE_MS), { maxLength: 2000, size: 'max' }), (gaps) => {
      const failures = play(gaps, GUESSING_CAP);
      for (const { count, windowMs } of GUESSING_CAP) {
        failures.forEach((last, index) => {
          const first = failures[index + count];
          if (first !== undefined) assert.ok(last - first >= windowMs * 1000);
        });
      }
    }),
    { numRuns: 50 },
  );
});

test('at the boundary: until the first of five is a minute old there is no sixth, to the microsecond', () => {
  const failures = play([0, 1, 1, 1, 1], GUESSING_CAP);
  const first = NOW + MINUTE_MS * 1000;
  assert.equal(waitOfCap(failures, GUESSING_CAP, first - 1), 1);
  assert.equal(waitOfCap(failures, GUESSING_CAP, first), 0);
  assert.equal(waitOfCap(failures.slice(1), GUESSING_CAP, first - 1), 0);
});

test('a guesser who uses every attempt gets 100 a day', () => {
  const everySecond = Array.from({ length: 86_400 }, () => 1000);
  const failures = play(everySecond, GUESSING_CAP);
  assert.equal(failures.length, 100);
  const [first = 0, last = 0] = [failures.at(-1), failures[0]];
  // 20 rounds of 5 that stand a minute apart.
  assert.equal(last - first, (19 * MINUTE_MS + 4000) * 1000);
  assert.equal(waitOfCap(failures, GUESSING_CAP, last), 86_400_000_000 - (last - first));
});
