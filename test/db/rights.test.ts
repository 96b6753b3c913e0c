// What a login of the system may not do, whoever holds its password: the database refuses it by itself.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { type Stack, startStack } from '../stack.ts';

const ANNA = 6301;
const BO = 6302;
const DENIED = '42501';
const CHECK = '23514';
const OVERFLOW = '22008';
const CONFLICT = '40001';

/** A statement that must fail, and the SQLSTATE that it fails with where that is not `insufficient_privilege`. */
type Forbidden = string | readonly [sql: string, sqlState: string];

let stack: Stack;

before(async () => {
  stack = await startStack();
  await stack.addUsers([ANNA, BO]);
  await stack.fund([ANNA, BO], 1000);
});
after(() => stack.stop());

const wallet = (user: number) => `(SELECT id FROM accounts WHERE owner_user_id = ${user} AND is_default)`;
const OUTSIDE = `(SELECT id FROM accounts WHERE kind = 'external' AND currency = 'KRW' AND stripe = 0)`;
const DOLLARS = `(SELECT id FROM accounts WHERE kind = 'external' AND currency = 'USD' AND stripe = 0)`;

/** A call of post_transfers() with one transfer of 10 from Anna to Bo, as it ought to be but for what a test changes. */
function post(
  change: Partial<Record<'currency' | 'amount' | 'debit' | 'credit' | 'left' | 'moment', string>>,
): string {
  const { currency = `'KRW'`, amount = '10', debit = wallet(ANNA), credit = wallet(BO) } = change;
  const { left = '990', moment = 'clock_timestamp()' } = change;
  return `SELECT post_transfers(ARRAY[gen_random_uuid()], '{transfer}', ARRAY[${currency}], ARRAY[${amount}]::bigint[],
    ARRAY[${debit}], ARRAY[${credit}], ARRAY[${left}]::bigint[], ARRAY[1010]::bigint[], ARRAY[NULL]::uuid[], '{""}', '{NULL}',
    ${moment})`;
}

const ANYBODY: readonly Forbidden[] = [
  'SET ROLE ppuri_owner',
  'SET SESSION AUTHORIZATION ppuri_owner',
  'SET session_replication_role = replica',
  'ALTER TABLE accounts DISABLE TRIGGER ALL',
  'ALTER TABLE transfers DISABLE TRIGGER transfers_are_immutable',
  'CREATE TABLE public.accounts_too (id uuid)',
  'CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT now() $$',
  'CREATE SCHEMA mine',
  `CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$`,
  'ALTER ROLE ppuri_app SUPERUSER',
  'CREATE ROLE another LOGIN',
  `COPY accounts TO PROGRAM 'cat'`,
  'SELECT * FROM pg_authid',
  "INSERT INTO migrations (name) VALUES ('9999-mine.sql')",
];

/** The books, for everybody who may post to them. */
const LEDGER: readonly Forbidden[] = [
  `UPDATE accounts SET balance = balance + 1`,
  `UPDATE accounts SET overdraft_limit = 1000000`,
  `UPDATE accounts SET version = version + 1`,
  `UPDATE accounts SET updated_at = now()`,
  `UPDATE accounts SET owner_user_id = ${ANNA}`,
  `INSERT INTO accounts (id, kind, currency, owner_user_id, balance, created_at)
     VALUES (gen_random_uuid(), 'wallet', 'KRW', ${ANNA}, 5, now())`,
  `INSERT INTO accounts (id, kind, currency, owner_user_id, overdraft_limit, created_at)
     VALUES (gen_random_uuid(), 'wallet', 'KRW', ${ANNA}, 5, now())`,
  `INSERT INTO accounts (id, kind, currency, owner_user_id, version, created_at)
     VALUES (gen_random_uuid(), 'wallet', 'KRW', ${ANNA}, 5, now())`,
  `INSERT INTO accounts (id, kind, currency, owner_user_id, created_at, updated_at)
     VALUES (gen_random_uuid(), 'wallet', 'KRW', ${ANNA}, now(), now() + interval '1 year')`,
  `INSERT INTO accounts (id, kind, currency, stripe, created_at)
     VALUES (gen_random_uuid(), 'external', 'KRW', 99, now())`,
  [
    `INSERT INTO accounts (id, kind, currency, created_at) VALUES (gen_random_uuid(), 'external', 'KRW', now())`,
    CHECK,
  ],
  'DELETE FROM accounts',
  'TRUNCATE accounts CASCADE',
  `INSERT INTO transfers SELECT gen_random_uuid(), clock_timestamp(), 'deposit', 'KRW', 5, ${OUTSIDE}, ${wallet(ANNA)}, 0, 0`,
  'UPDATE transfers SET amount = 1',
  'DELETE FROM transfers',
  'TRUNCATE transfers',
  'UPDATE idempotency_keys SET fingerprint = fingerprint',
  'DELETE FROM idempotency_keys',
  'DELETE FROM sprinkle_claims',
  'UPDATE sprinkle_claims SET amount = 1',
  'UPDATE sprinkles SET shares = shares',
  'UPDATE sprinkles SET amount = 1',
  // What the function does not believe.
  [post({ left: '991' }), CONFLICT],
  [post({ amount: '-10', left: '1010' }), CHECK],
  [post({ amount: '0', left: '1000' }), CHECK],
  [post({ amount: '2000', left: '-1000' }), CHECK],
  [post({ currency: `'USD'` }), CONFLICT],
  [post({ debit: DOLLARS, left: '-10' }), CONFLICT],
  [post({ credit: 'gen_random_uuid()' }), CONFLICT],
  [post({ debit: wallet(BO), left: '990' }), CHECK],
  [post({ moment: `clock_timestamp() + interval '10 minutes'` }), OVERFLOW],
  [post({ moment: `'infinity'` }), CHECK],
  [post({ moment: `clock_timestamp() - interval '10 minutes'` }), CONFLICT],
];

function refused(role: string, urlOf: () => string, statements: readonly Forbidden[]): void {
  describe(`${role} may not`, () => {
    for (const forbidden of statements) {
      const [sql, sqlState] = typeof forbidden === 'string' ? [forbidden, DENIED] : forbidden;
      test(sql.replace(/\s+/g, ' '), async () => {
        await assert.rejects(asRole(urlOf(), [sql]), (error: pg.DatabaseError) => {
          assert.equal(error.code, sqlState, error.message);
          return true;
        });
      });
    }
  });
}

/** Runs statements in one transaction of a role, which is rolled back; returns the rows of the last one. */
async function asRole(url: string, statements: readonly string[]): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('BEGIN');
    let rows: unknown[] = [];
    for (const sql of statements) rows = (await client.query(sql)).rows;
    return rows;
  } finally {
    await client.query('ROLLBACK').catch(() => {});
    await client.end();
  }
}

refused('ppuri_app', () => stack.database.appUrl, [...ANYBODY, ...LEDGER]);

test('what is refused is nearly what is done: a transfer that follows is posted', async () => {
  const balances = `SELECT balance, version FROM accounts WHERE owner_user_id IN (${ANNA}, ${BO}) ORDER BY owner_user_id`;
  assert.deepEqual(await asRole(stack.database.appUrl, [post({}), balances]), [
    { balance: '990', version: '2' },
    { balance: '1010', version: '2' },
  ]);
});

test('a function of the owner is not led astray by tables of the same name in the search path', async () => {
  const rows = await asRole(stack.database.appUrl, [
    'CREATE TEMP TABLE accounts AS SELECT * FROM public.accounts',
    'CREATE TEMP TABLE transfers (LIKE public.transfers)',
    'SET search_path = pg_temp, public',
    post({}),
    `SELECT (SELECT count(*)::int FROM pg_temp.transfers) AS beside,
       (SELECT balance::int FROM public.accounts WHERE owner_user_id = ${ANNA}) AS balance`,
  ]);
  assert.deepEqual(rows, [{ beside: 0, balance: 990 }]);
});
