// Negative control of the races: without the row lock and without the check of the database's own function, spends that
// meet are paid from the same money. One of the two is enough.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemCall } from '../../src/domain/batch/command.ts';
import { createTransfer } from '../../src/usecases/commands/create-transfer.ts';
import { deposit } from '../../src/usecases/commands/deposit.ts';
import { watched } from '../db/watched-pool.ts';
import { makeDatabase, ownerPool, peopleOf, type TestDatabase } from '../stack.ts';
import { createTestLedger, krw, walletOf } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';

const CALL = systemCall('test');

const SPENDER = 6100;
const PAYEE = 6101;
const userId = BigInt(SPENDER);

const withoutLock = (text: string) => text.replace('FOR NO KEY UPDATE', '');
const CHECKS =
  /AND a\.balance = m\.balance_before AND a\.currency = m\.currency\s+AND a\.updated_at <= m\.first_moment/;

/** Takes the check of the balances out of post_transfers(). */
async function withoutCheck(database: TestDatabase): Promise<void> {
  const owner = ownerPool(database);
  try {
    const { rows } = await owner.query(`SELECT pg_get_functiondef('post_transfers'::regproc) AS sql`);
    assert.match(rows[0].sql, CHECKS, 'the function checks something else now');
    await owner.query(rows[0].sql.replace(CHECKS, ''));
  } finally {
    await owner.end();
  }
}

/** Spends 100 fifty times at once from 1,000, in two batches that run side by side; how many were paid. */
async function race(
  change: (text: string) => string,
  loosen = async (_: TestDatabase) => {},
): Promise<number> {
  const database = await makeDatabase();
  await loosen(database);
  const pool = createTestPool(database.appUrl);
  try {
    await peopleOf(database).addUsers([SPENDER, PAYEE]);
    await pool.query('SELECT open_transfer_months(1)');
    // Both connections are open before the race; otherwise the second batch would come after the first one's commit.
    await Promise.all([1, 2].map(() => pool.query('SELECT pg_sleep(0.1)')));
    const changed = watched(pool, () => {}, change);
    const ledgers = [1, 2].map(() => createTestLedger(changed, { maxBatch: 25 }));
    const key = (name: string) => ({ userId, key: name, fingerprint: 'f0' });
    const funds = { userId, wallet: walletOf(SPENDER), money: krw(1000n), memo: '' };
    await ledgers[0]?.execute(deposit, funds, key('fund'), CALL);
    const spend = { userId, from: walletOf(SPENDER), to: walletOf(PAYEE), money: krw(100n), memo: '' };
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) =>
        ledgers[index % 2]?.execute(createTransfer, spend, key(`${index}`), CALL),
      ),
    );
    return results.filter(({ status }) => status === 'fulfilled').length;
  } finally {
    await pool.end();
    await database.drop();
  }
}

test('with the lock exactly 10 are paid', async () => {
  assert.equal(await race((text) => text), 10);
});

test('without the lock the database refuses what does not follow from the balance', async () => {
  for (let round = 0; round < 5; round++) assert.ok((await race(withoutLock)) <= 10);
});

test('without either more are', async () => {
  let paid = 10;
  for (let round = 0; paid <= 10 && round < 20; round++) paid = await race(withoutLock, withoutCheck);
  assert.ok(paid > 10, 'neither was what kept the money together');
});
