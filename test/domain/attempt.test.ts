// Which attempts a refusal ends: every one that was signed or had arrived before it, and none that is later by both clocks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isAfter, markOf, waitMsAfter } from '../../src/domain/attempt.ts';

const seconds = fc.integer({ min: 1_790_000_000, max: 1_790_000_100 });
const micros = fc.integer({ min: 1_790_000_000_000_000, max: 1_790_000_100_000_000 });
const attempt = fc.record({ signedAt: seconds, arrivedAt: micros });

test('an attempt is after a refusal only where it was signed in a later second and arrived later', () => {
  fc.assert(
    fc.property(attempt, seconds, micros, (later, signedAt, at) => {
      const expected = later.signedAt > signedAt && later.arrivedAt > at;
      assert.equal(isAfter(later, { signedAt, at }), expected);
    }),
  );
});

test('a later refusal never covers less time than an earlier one', () => {
  fc.assert(
    fc.property(attempt, fc.array(fc.tuple(seconds, micros), { minLength: 1 }), (early, refusals) => {
      let mark = markOf({ signedAt: refusals[0]?.[0] ?? 0 }, refusals[0]?.[1] ?? 0, undefined);
      let wasTooEarly = false;
      for (const [signedAt, at] of refusals) {
        mark = markOf({ signedAt }, at, mark);
        const isTooEarly = !isAfter(early, mark);
        assert.ok(isTooEarly || !wasTooEarly);
        wasTooEarly = isTooEarly;
      }
    }),
  );
});

test('an attempt signed after the wait that the refusal names is later than the refusal', () => {
  fc.assert(
    fc.property(attempt, seconds, micros, (early, signedAt, at) => {
      const mark = { signedAt, at };
      fc.pre(!isAfter(early, mark));
      const wait = waitMsAfter(early, mark);
      assert.ok(wait >= 1000);
      assert.ok(early.signedAt + wait / 1000 > mark.signedAt);
    }),
  );
});
