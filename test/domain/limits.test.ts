// Limits: never more than the burst and the rate in any stretch of time, and a caller who waits as long as the answer says passes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decideRate, type Limit, paceOf } from '../../src/domain/limits.ts';
import type { Micros } from '../../src/domain/time.ts';

const NOW = 1_790_000_000_000_000;
const MICROS_PER_SECOND = 1_000_000;

const limits = fc.record({
  ratePerSecond: fc.integer({ min: 1, max: 20_000 }),
  burst: fc.integer({ min: 1, max: 300 }),
});
/** Calls, each so many microseconds after the one before, many of them at the same moment. */
const calls = fc.array(
  fc.record({
    gap: fc.oneof(fc.constant(0), fc.nat(5_000), fc.nat(2_000_000)),
    cost: fc.integer({ min: 0, max: 50 }),
  }),
  { maxLength: 100, size: 'max' },
);
interface Call {
  readonly gap: Micros;
  readonly cost: number;
}

/** Lets the calls come, and returns for each when it came, what it was charged, and whether it passed. */
function play(limit: Limit, arriving: readonly Call[]) {
  let now = NOW;
  let tat: Micros | undefined;
  return arriving.map(({ gap, cost }) => {
    now += gap;
    const decision = decideRate(tat, paceOf(limit, cost), now);
    const before = tat;
    tat = decision.newTat;
    return { now, before, cost: Math.min(cost, limit.burst), decision };
  });
}

test('in no stretch of time does more pass than the burst and the rate', () => {
  fc.assert(
    fc.property(limits, calls, (limit, arriving) => {
      const passed = play(limit, arriving).filter(({ decision }) => decision.isAllowed);
      passed.forEach((first, start) => {
        let sum = 0;
        for (const { now, cost } of passed.slice(start)) {
          sum += cost;
          const seconds = (now - first.now) / MICROS_PER_SECOND;
          assert.ok(sum <= limit.burst + limit.ratePerSecond * seconds + 1e-9);
        }
      });
    }),
  );
});

test('a refused call passes after the wait that the refusal names, and not a millisecond before', () => {
  fc.assert(
    fc.property(limits, calls, (limit, arriving) => {
      for (const { now, cost, decision } of play(limit, arriving)) {
        if (decision.isAllowed) continue;
        const again = (ms: number) => decideRate(decision.newTat, paceOf(limit, cost), now + ms * 1000);
        assert.ok(again(decision.retryAfterMs).isAllowed);
        assert.ok(!again(decision.retryAfterMs - 1).isAllowed);
      }
    }),
  );
});

test('refused calls cost nothing: without them all others get the same answers', () => {
  fc.assert(
    fc.property(limits, calls, (limit, arriving) => {
      let gap = 0;
      const others: Call[] = [];
      const played = play(limit, arriving);
      played.forEach(({ decision }, index) => {
        const call = arriving[index] as Call;
        gap += call.gap;
        if (!decision.isAllowed) return;
        others.push({ ...call, gap });
        gap = 0;
      });
      assert.deepEqual(
        play(limit, others).map(({ decision }) => decision),
        played.map(({ decision }) => decision).filter(({ isAllowed }) => isAllowed),
      );
    }),
  );
});

test('what remains of a limit passes at once, and one call more does not', () => {
  fc.assert(
    fc.property(limits, calls, (limit, arriving) => {
      for (const { now, decision } of play(limit, arriving)) {
        const take = (cost: number) => decideRate(decision.newTat, paceOf(limit, cost), now);
        assert.ok(take(decision.remaining).isAllowed);
        if (decision.remaining < limit.burst) assert.ok(!take(decision.remaining + 1).isAllowed);
        const later = decideRate(decision.newTat, paceOf(limit, 0), now + decision.resetMs * 1000);
        assert.equal(later.remaining, limit.burst);
      }
    }),
  );
});

test('after a rest exactly the burst passes at once, then exactly the rate', () => {
  const limit = { ratePerSecond: 10, burst: 20 };
  // One try every millisecond for 5 seconds, the last one at the fifth second.
  const tries = Array.from({ length: 5001 }, (_, index) => ({ gap: index === 0 ? 0 : 1000, cost: 1 }));
  const passed = play(limit, [...Array(100).fill({ gap: 0, cost: 1 }), ...tries]);
  const moments = passed.filter(({ decision }) => decision.isAllowed).map(({ now }) => (now - NOW) / 1000);
  assert.deepEqual(moments, [
    ...Array(20).fill(0),
    ...Array.from({ length: 50 }, (_, index) => 100 * (index + 1)),
  ]);
});

test('a call that costs more than the burst asks for all of it, and passes after a rest', () => {
  const pace = paceOf({ ratePerSecond: 10, burst: 5 }, 1000);
  const first = decideRate(undefined, pace, NOW);
  assert.deepEqual(first, {
    isAllowed: true,
    newTat: NOW + 500_000,
    remaining: 0,
    retryAfterMs: 0,
    resetMs: 500,
  });
  assert.equal(decideRate(first.newTat, pace, NOW).retryAfterMs, 500);
});

test('neither a lowered limit nor a clock that was set back locks anybody out for longer than a full burst', () => {
  const pace = paceOf({ ratePerSecond: 10, burst: 5 }, 1);
  const hourAhead = NOW + 3_600_000_000;
  const { isAllowed, retryAfterMs, remaining } = decideRate(hourAhead, pace, NOW);
  assert.deepEqual(
    { isAllowed, retryAfterMs, remaining },
    { isAllowed: false, retryAfterMs: 100, remaining: 0 },
  );
});

test('rates that divide a million are kept exactly; others never exceeded, and missed by little', () => {
  for (const rate of [1, 10, 100, 1000, 5000]) {
    assert.equal(paceOf({ ratePerSecond: rate, burst: 1 }, 1).interval * rate, MICROS_PER_SECOND);
  }
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), (rate) => {
      const kept = MICROS_PER_SECOND / paceOf({ ratePerSecond: rate, burst: 1 }, 1).interval;
      assert.ok(kept <= rate && kept > rate * (1 - rate / MICROS_PER_SECOND));
    }),
  );
});
