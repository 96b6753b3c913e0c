// What a login of the system may not do to freezes and to the states of wallets, also in the hands of an intruder.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Stack, startStack } from '../stack.ts';
import { asRole, type Forbidden, refused } from './as-role.ts';

const ANNA = 6320;
const CHECK = '23514';

let stack: Stack;
before(async () => {
  stack = await startStack();
  await stack.addUsers([ANNA]);
  await stack.fund([ANNA], 1000);
});
after(() => stack.stop());

const wallet = `(SELECT id FROM accounts WHERE owner_user_id = ${ANNA} AND is_default)`;
const FREEZE = `SELECT id FROM freeze_wallets(${wallet}, NULL, 'out', 'infinity', 'C-1', 'a test', 'ppk_test')`;
const LIFT = `SELECT id FROM lift_freeze(${wallet}, NULL, 'C-1', 'ppk_test')`;

const ROWS: readonly Forbidden[] = [
  'UPDATE accounts SET frozen_out_until = NULL',
  'UPDATE accounts SET user_frozen_in_until = NULL',
  'UPDATE accounts SET closed_at = NULL',
  'UPDATE accounts SET closed_at = now()',
  'UPDATE accounts SET is_default = is_default',
  `UPDATE freezes SET lifted_at = now(), lifted_by = 'x'`,
  `INSERT INTO freezes (user_id, direction, frozen_until, case_id, reason, frozen_by)
   VALUES (${ANNA}, 'in', 'infinity', 'C-2', 'x', 'x')`,
  'DELETE FROM freezes',
  `INSERT INTO approval_rules (rpc) VALUES ('admin.v1.AccountService/ReverseTransfer')`,
  'DELETE FROM approval_rules',
  `UPDATE pending_acts SET approved_by = 'x', approved_at = now(), approved_with = ''`,
  'DELETE FROM pending_acts',
];
const FUNCTIONS: readonly Forbidden[] = [
  'SELECT * FROM freezes',
  'SELECT * FROM pending_acts',
  `SELECT approve_act('', repeat('0', 64), '', '', 'ppk_test', '')`,
  FREEZE,
  LIFT,
  `SELECT id FROM reopen_wallet(${wallet})`,
];
const OWNERS_OWN: readonly Forbidden[] = [
  `SELECT lock_wallets(NULL, ${ANNA})`,
  'SELECT id FROM follow_freezes(ARRAY(SELECT id FROM accounts LIMIT 1))',
];
const change = (name: string, isDefault: boolean, closing: string) =>
  `SELECT change_wallets(ARRAY[${wallet}], ARRAY['${name}'], ARRAY[${isDefault}], ARRAY[${closing}]::timestamptz[])`;

refused('ppuri_app', () => [stack.database.appUrl, stack.database.ownerUrl], [
  ...ROWS,
  ...FUNCTIONS,
  ...OWNERS_OWN,
  // A wallet with money, and the only default wallet.
  [change('x', true, 'now()'), CHECK],
  [change('x', false, 'NULL'), CHECK],
]);
refused('ppuri_worker', () => [stack.database.workerUrl, stack.database.ownerUrl], [
  ...ROWS,
  ...FUNCTIONS,
  ...OWNERS_OWN,
  change('x', true, 'NULL'),
]);
refused('ppuri_admin', () => [stack.database.adminUrl, stack.database.ownerUrl], ROWS);

test('only the login of admin.v1 freezes and lifts, and both stay on record', async () => {
  const [lifted] = await asRole(stack.database.ownerUrl, [
    'SET LOCAL ROLE ppuri_admin',
    FREEZE.replace(wallet, `'${await stack.as(ANNA).defaultWallet()}'`),
    LIFT.replace(wallet, `'${await stack.as(ANNA).defaultWallet()}'`),
    'SELECT case_id, lifted_by FROM freezes',
  ]);
  assert.deepEqual(lifted, { case_id: 'C-1', lifted_by: 'ppk_test' });
});

test('a closed wallet is not opened again by what servers may do', async () => {
  const id = crypto.randomUUID();
  const [found] = await asRole(stack.database.ownerUrl, [
    `INSERT INTO accounts (id, kind, currency, owner_user_id, created_at) VALUES ('${id}', 'wallet', 'KRW', ${ANNA}, now())`,
    'SET LOCAL ROLE ppuri_app',
    `SELECT change_wallets(ARRAY['${id}'::uuid], ARRAY['x'], ARRAY[false], ARRAY[now()])`,
    `SELECT change_wallets(ARRAY['${id}'::uuid], ARRAY['x'], ARRAY[false], ARRAY[NULL]::timestamptz[])`,
    `SELECT closed_at IS NOT NULL AS is_closed, version::int FROM accounts WHERE id = '${id}'`,
  ]);
  assert.deepEqual(found, { is_closed: true, version: 2 });
});
