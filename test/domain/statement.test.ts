// The period of a statement, and its totals.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toDecimal } from '../../src/domain/currency.ts';
import { RunningTotals, settledPart } from '../../src/domain/statement.ts';

const SECOND = 1_000_000;

test('nothing can be added to the period of a statement later', () => {
  const moment = fc.integer({ min: 0, max: 1000 });
  fc.assert(
    fc.property(moment, moment, moment, moment, (from, length, settled, lastChange) => {
      const asked = { from, before: from + length };
      const period = settledPart(asked, settled, lastChange);
      assert.ok(period.from <= period.before && period.from <= asked.from && period.before <= asked.before);
      // Later transfers are dated behind the last one, and not before what has settled.
      const earliest = Math.max(settled, lastChange + 1);
      assert.ok(period.before <= earliest);
      // Nothing of the period is left out that is there.
      if (asked.before <= earliest) assert.deepEqual(period, asked);
    }),
  );
  assert.deepEqual(settledPart({ from: 0, before: 100 * SECOND }, 40 * SECOND, 90 * SECOND), {
    from: 0,
    before: 90 * SECOND + 1,
  });
});

test('a transfer that is missing, doubled or out of order is noticed', () => {
  const transfers = [5n, 7n, 11n].map((amount, index, all) => ({
    id: String(index),
    amount,
    after: 100n + all.slice(0, index + 1).reduce((sum, one) => sum + one),
  }));
  const add = (order: readonly number[]) => {
    const totals = new RunningTotals(100n);
    for (const { id, amount, after } of order.flatMap((index) => transfers[index] ?? []))
      totals.add(id, 'in', amount, after);
    return totals;
  };
  const { count, amountIn, amountOut, balance } = add([0, 1, 2]);
  assert.deepEqual([count, amountIn, amountOut, balance], [3, 23n, 0n, 123n]);
  for (const order of [
    [1, 2],
    [0, 2],
    [0, 0, 1],
    [0, 1, 1],
    [1, 0],
    [0, 2, 1],
  ])
    assert.throws(() => add(order), /is not the one that it had/, order.join());
  const out = new RunningTotals(10n);
  out.add('a', 'out', 4n, 6n);
  assert.deepEqual([out.amountOut, out.balance], [4n, 6n]);
  assert.throws(() => out.add('b', 'out', 4n, 10n));
});

test('decimals have all digits of the currency', () => {
  const shown = ([amount, currency]: [bigint, 'KRW' | 'USD']) => toDecimal(amount, currency);
  assert.deepEqual(
    (
      [
        [0n, 'USD'],
        [5n, 'USD'],
        [-5n, 'USD'],
        [123_456n, 'USD'],
        [7n, 'KRW'],
        [-7n, 'KRW'],
      ] as const
    ).map(([amount, currency]) => shown([amount, currency])),
    ['0.00', '0.05', '-0.05', '1234.56', '7', '-7'],
  );
  assert.equal(toDecimal(2n ** 63n - 1n, 'EUR'), '92233720368547758.07');
});
