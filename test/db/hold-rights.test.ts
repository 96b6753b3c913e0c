// What a login of the system may not do to holds, gifts, refunds and limits, also in the hands of an intruder.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Stack, startStack } from '../stack.ts';
import { type Forbidden, refused } from './as-role.ts';

const [ANNA, BO] = [6305, 6306];
const CHECK = '23514';

let stack: Stack;
before(async () => {
  stack = await startStack();
  await stack.addUsers([ANNA, BO]);
  await stack.fund([ANNA], 1000);
});
after(() => stack.stop());

const wallet = (user: number) => `(SELECT id FROM accounts WHERE owner_user_id = ${user} AND is_default)`;

const BOTH: readonly Forbidden[] = [
  'DELETE FROM holds',
  'UPDATE holds SET amount = 1',
  `UPDATE holds SET kind = 'hold'`,
  'UPDATE holds SET expires_at = now()',
  'UPDATE holds SET credit_wallet_id = wallet_id',
  'UPDATE refunded_transfers SET refunded_amount = 0',
  'UPDATE refunded_transfers SET amount = 1000000',
  'DELETE FROM refunded_transfers',
  'UPDATE refunds SET amount = 1',
  'DELETE FROM refunds',
  'UPDATE accounts SET usage = NULL',
  `UPDATE accounts SET owner_tier = 'business'`,
  `UPDATE accounts SET owner_overrides = '[]'`,
  'UPDATE accounts SET owner_has_more = false',
  'DELETE FROM limit_policies',
  'DELETE FROM limit_policy_set',
  'LOCK TABLE limit_policy_set IN ACCESS EXCLUSIVE MODE',
  'SELECT FROM user_limits',
  `SELECT put_limit_policy('unverified', 'KRW', NULL, 'Asia/Seoul')`,
  `SELECT put_user_limits(${ANNA}, 'business', NULL)`,
];

const APP: readonly Forbidden[] = [
  'SELECT reconcile_limits()',
  // A hold of 10 whose pot has nothing.
  [
    `WITH pot AS (
       INSERT INTO accounts (id, kind, currency, created_at) VALUES (gen_random_uuid(), 'hold', 'KRW', now()) RETURNING id)
     INSERT INTO holds (id, user_id, wallet_id, pot_account_id, currency, amount, reason, created_at, expires_at)
     SELECT gen_random_uuid(), ${ANNA}, ${wallet(ANNA)}, id, 'KRW', 10, '', now(), now() FROM pot`,
    CHECK,
  ],
  'UPDATE holds SET set_aside_at = now()',
  'INSERT INTO refunded_transfers (transfer_id, amount, refunded_amount) VALUES (gen_random_uuid(), 1, 1)',
  // Refunds that no transfer of this transaction made.
  [
    `INSERT INTO refunds (refund_id, created_at, transfer_id, transfer_amount, amount)
     VALUES (gen_random_uuid(), now(), gen_random_uuid(), 10, 10)`,
    CHECK,
  ],
  [
    `INSERT INTO refunds (refund_id, created_at, transfer_id, transfer_amount, amount)
     SELECT id, created_at, gen_random_uuid(), amount, amount FROM transfers WHERE kind = 'deposit' LIMIT 1`,
    CHECK,
  ],
];

refused('ppuri_app', () => [stack.database.appUrl, stack.database.ownerUrl], [...BOTH, ...APP]);
refused('ppuri_worker', () => [stack.database.workerUrl, stack.database.ownerUrl], [
  ...BOTH,
  'INSERT INTO holds SELECT * FROM holds',
  'INSERT INTO refunds SELECT * FROM refunds',
]);

test('a hold is on a wallet of its user, for the user whose wallet it names, and has a pot', async () => {
  const [none, nobody] = ['gen_random_uuid()', 'NULL'];
  const found: Record<string, string> = {};
  const cases = {
    'of a user': [wallet(ANNA), nobody, nobody, 'pot.id'],
    'for another one': [wallet(ANNA), wallet(BO), BO, 'pot.id'],
    'on the wallet of another one': [wallet(BO), nobody, nobody, 'pot.id'],
    'on no wallet': [none, nobody, nobody, 'pot.id'],
    'on a pot': ['pot.id', nobody, nobody, 'pot.id'],
    'for a user whose wallet it is not': [wallet(ANNA), wallet(ANNA), BO, 'pot.id'],
    'for no wallet': [wallet(ANNA), none, BO, 'pot.id'],
    'without a pot': [wallet(ANNA), nobody, nobody, none],
  };
  // All of it is the owner's, so what refuses is no missing right, and rolled back.
  const client = await stack.db.connect();
  try {
    for (const [name, [from, to, receiver, pot]] of Object.entries(cases)) {
      await client.query('BEGIN');
      const made = client.query(
        `WITH pot AS (
           INSERT INTO accounts (id, kind, currency, balance, created_at) VALUES (gen_random_uuid(), 'hold', 'KRW', 10, now())
           RETURNING id)
         INSERT INTO holds (id, user_id, wallet_id, credit_wallet_id, credit_user_id, pot_account_id, currency, amount, reason,
           created_at, expires_at)
         SELECT gen_random_uuid(), ${ANNA}, ${from}, ${to}, ${receiver}, ${pot}, 'KRW', 10, '', now(), now() FROM pot`,
      );
      found[name] = await made.then(
        () => 'made',
        (error: Error) => error.message,
      );
      await client.query('ROLLBACK');
    }
  } finally {
    client.release();
  }
  const wrong = "a hold names a wallet that is not its user's";
  assert.deepEqual(found, {
    'of a user': 'made',
    'for another one': 'made',
    'on the wallet of another one': wrong,
    'on no wallet': wrong,
    'on a pot': wrong,
    'for a user whose wallet it is not': wrong,
    'for no wallet': wrong,
    'without a pot': 'the pot of a hold is not what is left of it',
  });
});
