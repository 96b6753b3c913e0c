// What a login of the system may not do, also in the hands of an intruder: the database refuses it by itself.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Stack, startStack } from '../stack.ts';
import { asRole, type Forbidden, refused } from './as-role.ts';
import { openLastMonth } from './last-month.ts';

const ANNA = 6301;
const BO = 6302;
const CHECK = '23514';
const OVERFLOW = '22008';
const CONFLICT = '40001';

let stack: Stack;

before(async () => {
  stack = await startStack();
  await openLastMonth(stack.db);
  await stack.addUsers([ANNA, BO]);
  await stack.fund([ANNA, BO], 1000);
});
after(() => stack.stop());

const wallet = (user: number) => `(SELECT id FROM accounts WHERE owner_user_id = ${user} AND is_default)`;
const OUTSIDE = `(SELECT id FROM accounts WHERE kind = 'external' AND currency = 'KRW' AND stripe = 0)`;
const DOLLARS = `(SELECT id FROM accounts WHERE kind = 'external' AND currency = 'USD' AND stripe = 0)`;

type Change = Partial<Record<'currency' | 'amount' | 'debit' | 'credit' | 'left' | 'moment', string>>;

/**
 * A call that posts 10 from Anna to Bo, so many times over, as it ought to be but for what a test changes in the first
 * time. One transfer and several take different ways through the function.
 */
function post(change: Change, times = 1): string {
  const { currency = `'KRW'`, amount = '10', debit = wallet(ANNA), credit = wallet(BO) } = change;
  const { left = '990', moment = 'clock_timestamp()' } = change;
  const list = (first: string, other: (nth: number) => string) =>
    `ARRAY[${[first, ...Array.from({ length: times - 1 }, (_, index) => other(index + 1))].join(', ')}]`;
  const same = (value: string) => list(value, () => value);
  return `SELECT post_transfers(${same('gen_random_uuid()')}, ${same(`'transfer'::transfer_kind`)},
    ${list(currency, () => `'KRW'`)}, ${list(amount, () => '10')}::bigint[], ${list(debit, () => wallet(ANNA))},
    ${list(credit, () => wallet(BO))}, ${list(left, (nth) => String(990 - 10 * nth))}::bigint[],
    ${list('1010', (nth) => String(1010 + 10 * nth))}::bigint[], ${same('NULL')}::uuid[], ${same(`''`)},
    ${same('NULL')}::text[], ${list(moment, () => 'clock_timestamp()')}::timestamptz[], NULL, NULL)`;
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
  'SELECT * FROM archive_secret',
  // Who did what, and which signatures were taken, is not to be rewritten.
  `UPDATE audit_acts SET reason = ''`,
  'DELETE FROM audit_acts',
  'TRUNCATE audit_acts',
  `SELECT purge_audit_acts(now() - interval '6 years')`,
  'SELECT * FROM used_nonces',
  'DELETE FROM used_nonces',
  'UPDATE used_nonces SET until = now()',
  `INSERT INTO archive_secret (inner_pad, outer_pad) VALUES (repeat('x', 64)::bytea, repeat('x', 64)::bytea)`,
  "INSERT INTO migrations (name) VALUES ('9999-mine.sql')",
];

/** The books, for everybody who may post to them. */
const LEDGER: readonly Forbidden[] = [
  'SELECT ensure_transfer_partitions(1)',
  ['SELECT open_transfer_months(25)', '22003'],
  ['SELECT open_transfer_months(-1)', '22003'],
  ['SELECT open_transfer_months(NULL)', '22003'],
  `UPDATE accounts SET balance = balance + 1`,
  `UPDATE accounts SET overdraft_limit = 1000000`,
  `UPDATE accounts SET version = version + 1`,
  `UPDATE accounts SET updated_at = now()`,
  `UPDATE accounts SET held_amount = 0`,
  `UPDATE accounts SET hold_changes = 0`,
  `UPDATE accounts SET owner_user_id = 1 WHERE owner_user_id = ${BO}`,
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
  'DELETE FROM accounts',
  'TRUNCATE accounts CASCADE',
  `INSERT INTO transfers SELECT gen_random_uuid(), clock_timestamp(), 'deposit', 'KRW', 5, ${OUTSIDE}, ${wallet(ANNA)}, 0, 0`,
  'UPDATE transfers SET amount = 1',
  'DELETE FROM transfers',
  'TRUNCATE transfers',
  'UPDATE idempotency_keys SET key = key',
  'DELETE FROM idempotency_keys',
  'DELETE FROM sprinkle_claims',
  'UPDATE sprinkle_claims SET amount = 1',
  'UPDATE sprinkles SET amount = 1',
  'UPDATE sprinkles SET commitment = commitment',
  'UPDATE sprinkles SET sealed_seed = NULL',
  'UPDATE sprinkle_claims SET nonce = NULL',
  // What the function refuses.
  ...[1, 2].flatMap((times): Forbidden[] => [
    [post({ left: '991' }, times), CONFLICT],
    [post({ amount: '-10', left: '1010' }, times), CHECK],
    [post({ amount: '0', left: '1000' }, times), CHECK],
    [post({ currency: `'USD'` }, times), CONFLICT],
    [post({ debit: DOLLARS, left: '-10' }, times), CONFLICT],
    [post({ credit: 'gen_random_uuid()' }, times), CONFLICT],
    [post({ debit: wallet(BO), left: '990' }, times), CHECK],
    [post({ moment: `'infinity'` }, times), CHECK],
    [post({ moment: `clock_timestamp() - interval '10 minutes'` }, times), CONFLICT],
  ]),
  [post({ amount: '2000', left: '-1000' }), CHECK],
  [post({ moment: `clock_timestamp() + interval '10 minutes'` }), OVERFLOW],
  // Where lists are of unlike lengths, what is missing is NULL, and nothing may be.
  [post({}, 2).replace(`ARRAY['KRW', 'KRW']`, `ARRAY['KRW']`), '23502'],
  [post({}, 2).replace(`ARRAY['KRW', 'KRW']`, `'{}'::text[]`), '23502'],
  [post({}).replace(`ARRAY['KRW']`, `'{}'::text[]`), '23502'],
];

/** Rows of the system's own that let somebody stay, switch off what would notice, or rewrite what happened. */
const KEYS_AND_JOBS = {
  makeKey: `INSERT INTO api_keys (id, display_name, kind, sealed_secret, scopes, active_from)
    VALUES ('ppk_live_mine', 'mine', 'hmac-sha256', 'x', '{admin}', now())`,
  unrevoke: `UPDATE api_keys SET revoked_at = NULL`,
  widen: `UPDATE api_keys SET scopes = '{admin}'`,
  free: `UPDATE api_keys SET allowed_networks = '{}'`,
  prolong: `UPDATE api_keys SET expires_at = NULL`,
  reseal: `UPDATE api_keys SET sealed_secret = 'x'`,
  deleteKeys: 'DELETE FROM api_keys',
  pause: `INSERT INTO job_states (job, paused_at) VALUES ('reconcile-ledger', now())`,
  pauseAgain: `UPDATE job_states SET paused_at = now()`,
  discard: `DELETE FROM dead_letters`,
  replay: `UPDATE dead_letters SET replayed_at = now()`,
  forgetFindings: `UPDATE reconciliations SET faults = '[]'`,
  dropFindings: `DELETE FROM reconciliations`,
  dropCheckpoints: `DELETE FROM ledger_checkpoints`,
  archived: `INSERT INTO archived_months (month, transfers, amount, digest) VALUES ('2020-01-01', 0, 0, 0)`,
} as const;

const APP: readonly Forbidden[] = [
  [
    `INSERT INTO accounts (id, kind, currency, created_at) VALUES (gen_random_uuid(), 'external', 'KRW', now())`,
    CHECK,
  ],
  ...Object.values(KEYS_AND_JOBS),
  `UPDATE api_keys SET id = 'x' WHERE id = (SELECT min(id) FROM api_keys)`,
  'DELETE FROM outbox',
  'UPDATE outbox SET run_at = now()',
  'SELECT * FROM job_states',
  'SELECT * FROM dead_letters',
  'UPDATE ledger_checkpoints SET balance = 0',
  'INSERT INTO ledger_checkpoints (account_id, balance, transfers) VALUES (gen_random_uuid(), 0, 0)',
  `INSERT INTO reconciliations (through, transfers, faults) VALUES (now(), 0, '[]')`,
  `SELECT purge_sprinkles(now(), 1)`,
  'SELECT purge_refusal_marks(1)',
  'SELECT purge_api_keys(now())',
  'DELETE FROM sprinkles',
  'UPDATE sprinkles SET set_aside_at = now()',
  'UPDATE sprinkles SET expires_at = now()',
  'UPDATE sprinkles SET source_account_id = pot_account_id',
  'DELETE FROM sprinkle_tokens',
  'UPDATE payouts SET owner_user_id = 1',
  'UPDATE payouts SET source_account_id = pot_account_id',
  'DELETE FROM payouts',
  'DELETE FROM payout_lines',
  'UPDATE payout_lines SET amount = 1',
  'UPDATE payout_lines SET credit_account_id = NULL',
  'UPDATE payout_lines SET reason = NULL',
  'DELETE FROM users',
  `UPDATE users SET id = 1 WHERE id = ${BO}`,
  'UPDATE rooms SET owner_user_id = 1',
  'DELETE FROM rooms',
  'DELETE FROM cache_epochs',
  'DELETE FROM primary_run',
  'SELECT * FROM statistics',
  'DELETE FROM samples',
];

const WORKER: readonly Forbidden[] = [
  ...Object.values(KEYS_AND_JOBS),
  'SELECT * FROM api_keys',
  'UPDATE api_keys SET use_count = 0',
  `INSERT INTO users (id, display_name) VALUES (1, 'x')`,
  'UPDATE users SET display_name = display_name',
  'DELETE FROM friendships',
  'DELETE FROM room_members',
  'UPDATE rooms SET display_name = display_name',
  `INSERT INTO accounts (id, kind, currency, owner_user_id, created_at)
     VALUES (gen_random_uuid(), 'wallet', 'KRW', ${ANNA}, now())`,
  'UPDATE sprinkles SET claimed_count = 0',
  'UPDATE sprinkles SET shares = shares',
  'INSERT INTO sprinkle_claims SELECT * FROM sprinkle_claims',
  'UPDATE sprinkle_tokens SET expires_at = now()',
  'INSERT INTO payout_lines SELECT * FROM payout_lines',
  'UPDATE payouts SET total_amount = 0',
  'UPDATE primary_run SET started_at = now()',
  'UPDATE samples SET value = 0',
  'UPDATE ledger_checkpoints SET balance = balance + 1',
  'INSERT INTO ledger_checkpoints (account_id, balance, transfers) VALUES (gen_random_uuid(), 0, 0)',
  'TRUNCATE ledger_checkpoints',
  `INSERT INTO reconciliations (through, transfers, faults) VALUES (now(), 0, '[]')`,
  `INSERT INTO verified_months (month, transfers, amount, digest) VALUES ('2020-01-01', 0, 0, '')`,
  'SELECT * FROM verified_months',
  'SET ROLE ppuri_app',
  'SET ROLE ppuri_admin',
];

const ADMIN: readonly Forbidden[] = [
  'SELECT * FROM accounts',
  'SELECT * FROM transfers',
  'SELECT * FROM idempotency_keys',
  'UPDATE accounts SET display_name = display_name',
  `SELECT post_transfers('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', NULL, NULL)`,
  `SELECT post_dated_transfers('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')`,
  'SELECT open_transfer_months(1)',
  `SELECT purge_sprinkles(now(), 1)`,
  'SELECT purge_refusal_marks(1)',
  'SELECT purge_api_keys(now())',
  KEYS_AND_JOBS.widen,
  KEYS_AND_JOBS.prolong,
  KEYS_AND_JOBS.deleteKeys,
  `UPDATE api_keys SET user_id = NULL`,
  KEYS_AND_JOBS.discard,
  KEYS_AND_JOBS.forgetFindings,
  KEYS_AND_JOBS.dropFindings,
  'DELETE FROM outbox',
  'UPDATE outbox SET relayed_at = now()',
  'DELETE FROM job_states',
  `UPDATE job_states SET last_error = ''`,
  'DELETE FROM statistics',
  'SET ROLE ppuri_app',
  'SET ROLE ppuri_worker',
];

refused('ppuri_app', () => [stack.database.appUrl, stack.database.ownerUrl], [
  ...ANYBODY,
  ...LEDGER,
  ...APP,
  'SET ROLE ppuri_worker',
  'SET ROLE ppuri_admin',
]);
refused('ppuri_worker', () => [stack.database.workerUrl, stack.database.ownerUrl], [
  ...ANYBODY,
  ...LEDGER,
  ...WORKER,
]);
refused('ppuri_admin', () => [stack.database.adminUrl, stack.database.ownerUrl], [...ANYBODY, ...ADMIN]);

describe('nobody takes back', () => {
  // Everything is made and undone by the owner, so what refuses is no missing right.
  const made = [
    `INSERT INTO rooms (id, display_name, owner_user_id) VALUES ('rights', 'r', ${ANNA})`,
    `INSERT INTO accounts (id, kind, currency, created_at)
       VALUES ('00000000-0000-7000-8000-000000000001', 'sprinkle', 'KRW', now()),
              ('00000000-0000-7000-8000-000000000002', 'payout', 'KRW', now()),
              ('00000000-0000-7000-8000-000000000005', 'hold', 'KRW', now())`,
    `INSERT INTO holds (id, user_id, wallet_id, pot_account_id, currency, amount, captured_amount, state, reason, created_at,
       expires_at, closed_at)
       VALUES ('00000000-0000-7000-8000-000000000006', ${ANNA}, ${wallet(ANNA)}, '00000000-0000-7000-8000-000000000005',
         'KRW', 10, 10, 'captured', '', now(), now(), now())`,
    `INSERT INTO sprinkles (id, room_id, token, creator_user_id, source_account_id, pot_account_id, currency, amount, shares,
       claimed_count, created_at, expires_at, closed_at)
       SELECT '00000000-0000-7000-8000-000000000003', 'rights', 'aaa', ${ANNA}, ${wallet(ANNA)}, id, 'KRW', 2, '{1,1}', 1,
         now(), now(), now() FROM accounts WHERE kind = 'sprinkle' LIMIT 1`,
    `INSERT INTO sprinkle_tokens (room_id, token, sprinkle_id, expires_at)
       VALUES ('rights', 'aaa', '00000000-0000-7000-8000-000000000003', now())`,
    `INSERT INTO payouts (id, owner_user_id, source_account_id, pot_account_id, currency, mode, memo, state, line_count,
       total_amount, funded_amount, paid_amount, paid_count, failed_count, next_line, created_at, started_at)
       SELECT '00000000-0000-7000-8000-000000000004', ${ANNA}, ${wallet(ANNA)}, id, 'KRW', 'each', '', 'running', 5,
         50, 50, 20, 2, 1, 4, now(), now() FROM accounts WHERE kind = 'payout' LIMIT 1`,
    `INSERT INTO payout_lines (payout_id, line, to_user_id, currency, amount, key, memo, reason)
       VALUES ('00000000-0000-7000-8000-000000000004', 1, ${BO}, 'KRW', 1, '', '', 'USER_NOT_FOUND')`,
    `INSERT INTO api_keys (id, display_name, kind, sealed_secret, scopes, active_from, revoked_at, use_count)
       VALUES ('ppk_live_gone', 'gone', 'hmac-sha256', 'x', '{read}', now(), now(), 5)`,
  ];
  for (const change of [
    'UPDATE sprinkles SET claimed_count = 0',
    // What was claimed, the sum, a share of nothing, and how many there are.
    `UPDATE sprinkles SET shares = '{2,0}'`,
    `UPDATE sprinkles SET shares = '{1,2}'`,
    `UPDATE sprinkles SET shares = '{1,0,1}'`,
    `UPDATE sprinkles SET shares = '{2}'`,
    `UPDATE holds SET state = 'voided'`,
    'UPDATE holds SET captured_amount = 5',
    'UPDATE sprinkles SET closed_at = NULL',
    "UPDATE sprinkles SET closed_at = closed_at + interval '1 day'",
    "UPDATE sprinkle_tokens SET expires_at = expires_at - interval '1 day'",
    `UPDATE payouts SET next_line = 3, paid_count = 1`,
    `UPDATE payouts SET paid_count = 1, failed_count = 2`,
    `UPDATE payouts SET paid_count = 3, failed_count = 0`,
    `UPDATE payouts SET paid_amount = 10`,
    `UPDATE payouts SET total_amount = 60`,
    `UPDATE payouts SET state = 'draft'`,
    `UPDATE payouts SET funded_amount = 1000`,
    `UPDATE payouts SET line_count = 6`,
    `UPDATE payout_lines SET reason = 'WALLET_NOT_FOUND'`,
    `UPDATE api_keys SET revoked_at = NULL WHERE id = 'ppk_live_gone'`,
    `UPDATE api_keys SET revoked_at = now() + interval '1 day' WHERE id = 'ppk_live_gone'`,
    `UPDATE api_keys SET use_count = 0 WHERE id = 'ppk_live_gone'`,
  ]) {
    test(change, async () => {
      await assert.rejects(asRole(stack.database.ownerUrl, [...made, change]), /never changed or deleted/);
      // It is the trigger alone that refuses.
      await asRole(stack.database.ownerUrl, [...made, 'SET session_replication_role = replica', change]);
    });
  }
});

describe('the worker purges nothing that is young, whatever it asks for', () => {
  const closed = (id: number, age: string) => [
    `INSERT INTO accounts (id, kind, currency, created_at)
       VALUES ('00000000-0000-7000-8000-0000000000${id}', 'sprinkle', 'KRW', now())`,
    `INSERT INTO sprinkles (id, room_id, token, creator_user_id, source_account_id, pot_account_id, currency, amount, shares,
       claimed_count, created_at, expires_at, closed_at)
       VALUES ('00000000-0000-7000-8000-0000000000${id}', 'young', 'aaa', ${ANNA}, ${wallet(ANNA)},
         '00000000-0000-7000-8000-0000000000${id}', 'KRW', 1, '{1}', 0, now() - interval '${age}', now(), now())`,
  ];
  const revoked = (id: string, age: string) =>
    `INSERT INTO api_keys (id, display_name, kind, sealed_secret, scopes, active_from, revoked_at)
       VALUES ('${id}', 'gone', 'hmac-sha256', 'x', '{read}', now() - interval '1 year', now() - interval '${age}')`;
  const marked = (key: string, age: string) =>
    `INSERT INTO idempotency_keys (user_id, key, signed_at, created_at) VALUES (${ANNA}, '${key}', 0, now() - interval '${age}')`;
  const used = (nonce: string, until: string) =>
    `INSERT INTO used_nonces (key_id, nonce, edge_request_id, until) VALUES ('k', '${nonce}', '', now() + interval '${until}')`;
  const room = `INSERT INTO rooms (id, display_name, owner_user_id) VALUES ('young', 'r', ${ANNA})`;
  /** One row too young, one old enough, and the call: it takes one. */
  const floors: Record<string, readonly string[]> = {
    'SELECT purge_sprinkles(now(), 9)': [room, ...closed(11, '23 hours'), ...closed(12, '25 hours')],
    'SELECT purge_api_keys(now())': [
      revoked('ppk_live_young', '29 days'),
      revoked('ppk_live_aged', '31 days'),
    ],
    'SELECT purge_refusal_marks(9)': [marked('young', '59 minutes'), marked('aged', '61 minutes')],
    'SELECT purge_nonces(9)': [used('young', '1 minute'), used('aged', '-1 minute')],
  };
  for (const [purge, rows] of Object.entries(floors)) {
    test(purge, async () => {
      const [gone] = await asRole(stack.database.ownerUrl, [...rows, 'SET LOCAL ROLE ppuri_worker', purge]);
      assert.deepEqual(Object.values(gone as object), [1]);
    });
  }

  test('drafts of payouts stay for a day', () =>
    assert.rejects(
      asRole(stack.database.workerUrl, [`SELECT purge_payout_drafts(now() - interval '23 hours', 9)`]),
      /stay for a day/,
    ));
});

test('what is refused is nearly what is done: a transfer that follows is posted', async () => {
  const balances = `SELECT balance, version FROM accounts WHERE owner_user_id IN (${ANNA}, ${BO}) ORDER BY owner_user_id`;
  assert.deepEqual(await asRole(stack.database.appUrl, [post({}), balances]), [
    { balance: '990', version: '2' },
    { balance: '1010', version: '2' },
  ]);
  assert.deepEqual(await asRole(stack.database.appUrl, [post({}, 3), balances]), [
    { balance: '970', version: '4' },
    { balance: '1030', version: '4' },
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
