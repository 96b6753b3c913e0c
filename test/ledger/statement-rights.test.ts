// Which logins may run which statements of the ledger: at least those that their commands send.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { STATEMENTS } from '../../src/ledger/facets/index.ts';
import { asRole } from '../db/as-role.ts';
import { makeDatabase, type TestDatabase } from '../stack.ts';

/** What no command of a server sends, and what no job does: a stolen login cannot do that either. */
const REFUSED = {
  appUrl: ['update-payout-lines'],
  workerUrl: [
    'insert-accounts',
    'replace-marks',
    'insert-marks',
    'insert-sprinkles',
    'take-tokens',
    'insert-sprinkle-claims',
    'count-claims',
    'close-cancelled',
    'insert-holds',
    'insert-refunds',
    'insert-payouts',
    'change-wallets',
  ],
} as const;

let database: TestDatabase;
before(async () => {
  database = await makeDatabase();
});
after(() => database.drop());

/** Whether a login may run a statement: planning it asks for no rights, beginning to run it does. */
async function mayRun(url: string, text: string): Promise<boolean> {
  return asRole(url, [`EXPLAIN (GENERIC_PLAN) ${text}`]).then(
    () => true,
    (error: { code?: string; message: string }) => {
      assert.equal(error.code, '42501', error.message);
      return false;
    },
  );
}

for (const [login, names] of Object.entries(REFUSED)) {
  test(`${login}: a login may run all statements of the ledger but these`, async () => {
    const refused: string[] = [];
    for (const { name, text } of STATEMENTS)
      if (!(await mayRun(database[login as keyof typeof REFUSED], text))) refused.push(name);
    assert.deepEqual(refused, names);
  });
}
