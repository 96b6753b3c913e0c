// How outcomes are stored: as JSON.stringify would write them, with big whole numbers as objects.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOutcome, writeOutcome } from '../../src/ledger/outcome-json.ts';

const plainly = (outcome: unknown) =>
  JSON.stringify(outcome, (_name, value: unknown) =>
    typeof value === 'bigint' ? { bigint: value.toString() } : value,
  );

for (const [name, outcome] of Object.entries({
  transfer: {
    transfer: {
      id: '0197',
      amount: 5n,
      memo: 'a "quote", \\ and \u2028 \u0000 뿌리기 \ud800',
      createdAt: 1.79e15,
    },
    debitUserId: 1n,
    creditUserId: undefined,
  },
  items: [{ balance: -(2n ** 63n) }, { refusal: null }, [], {}, '', 0, -1.5, true, false],
  nothing: null,
  text: 'text',
  amount: 0n,
})) {
  test(`${name}: it is written as JSON.stringify would, and read as it was`, () => {
    const text = writeOutcome(outcome);
    assert.equal(text, plainly(outcome));
    assert.deepEqual(plainly(readOutcome(text)), plainly(outcome));
  });
}
