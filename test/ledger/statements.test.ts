// What every statement of the ledger keeps to, because COMMIT is sent along with it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STATEMENTS } from '../../src/ledger/facets/index.ts';

/**
 * An INSERT writes all of its rows or raises, unless it says what to do on a conflict; these functions count by themselves, but for
 * the last one, which is to leave out what was told already.
 */
const ALL_OR_NOTHING =
  /^\s*(INSERT(?!.*ON CONFLICT)|SELECT (post_transfers|change_wallets|announce_reached_limits)\()/s;

test('a statement that may leave out rows raises when it does', () => {
  assert.ok(STATEMENTS.length > 10);
  for (const { name, text } of STATEMENTS)
    assert.ok(
      ALL_OR_NOTHING.test(text) || text.includes('require_row_count'),
      `touchingAll is missing: ${name}`,
    );
});

test('a statement has a name of its own: the driver does not send another one of the same name', () => {
  const names = STATEMENTS.map(({ name }) => name);
  assert.deepEqual(names, [...new Set(names)]);
});
