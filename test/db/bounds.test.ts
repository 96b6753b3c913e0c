// The bounds of requests as the database knows them: rows that break one are refused, also to the owner.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { makeDatabase, ownerPool, type TestDatabase } from '../stack.ts';

let database: TestDatabase;
let db: pg.Pool;
before(async () => {
  database = await makeDatabase();
  db = ownerPool(database);
  await db.query(`INSERT INTO users (id, display_name) VALUES (1, 'Anna')`);
  await db.query('SELECT open_transfer_months(1)');
});
after(async () => {
  await db.end();
  await database.drop();
});

const LONG = `repeat('가', 201)`;
const ACCOUNT = `(SELECT id FROM accounts WHERE kind = 'external' AND currency = 'KRW' AND stripe = 0)`;
const OTHER = `(SELECT id FROM accounts WHERE kind = 'external' AND currency = 'KRW' AND stripe = 1)`;

const ROWS: Record<string, string> = {
  users_name_length: `INSERT INTO users (id, display_name) VALUES (2, ${LONG})`,
  rooms_name_length: `INSERT INTO rooms (id, display_name, owner_user_id) VALUES ('r', ${LONG}, 1)`,
  accounts_name_length: `INSERT INTO accounts (id, kind, currency, owner_user_id, display_name, created_at, updated_at)
    VALUES (gen_random_uuid(), 'wallet', 'KRW', 1, ${LONG}, now(), now())`,
  transfers_memo_length: `INSERT INTO transfers (id, created_at, kind, currency, amount, debit_account_id, credit_account_id,
      debit_balance_after, credit_balance_after, memo)
    VALUES (gen_random_uuid(), now(), 'transfer', 'KRW', 1, ${ACCOUNT}, ${OTHER}, 0, 0, ${LONG})`,
  idempotency_keys_length: `INSERT INTO idempotency_keys (user_id, key, fingerprint, outcome, created_at)
    VALUES (1, ${LONG}, '', '{}', now())`,
  sprinkles_amount_limit: `INSERT INTO sprinkles (id, room_id, token, creator_user_id, source_account_id, pot_account_id, currency,
      amount, shares, created_at, expires_at)
    VALUES (gen_random_uuid(), 'r', 'abc', 1, ${ACCOUNT}, ${OTHER}, 'KRW', 281474976710656, '{1}', now(), now())`,
  payouts_memo_length: `INSERT INTO payouts (id, owner_user_id, source_account_id, pot_account_id, currency, mode, memo, state, created_at)
    VALUES (gen_random_uuid(), 1, ${ACCOUNT}, ${OTHER}, 'KRW', 'each', ${LONG}, 'draft', now())`,
  payout_lines_text_length: `INSERT INTO payout_lines (payout_id, line, to_user_id, currency, amount, key, memo, reason)
    VALUES (gen_random_uuid(), 1, 1, 'KRW', 1, '', ${LONG}, 'INVALID_FIELD')`,
  payout_lines_amount_limit: `INSERT INTO payout_lines (payout_id, line, to_user_id, currency, amount, key, memo, credit_account_id)
    VALUES (gen_random_uuid(), 1, 1, 'KRW', 9007199254740992, '', '', ${ACCOUNT})`,
};

for (const [constraint, insert] of Object.entries(ROWS)) {
  test(`${constraint} refuses a row, and is validated`, async () => {
    await assert.rejects(db.query(insert), { code: '23514', constraint });
    const { rows } = await db.query(
      'SELECT bool_and(convalidated) AS is_valid FROM pg_constraint WHERE conname = $1',
      [constraint],
    );
    assert.equal(rows[0]?.is_valid, true);
  });
}
