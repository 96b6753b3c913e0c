// What a login of the system may not do to references and labels, also in the hands of an intruder.
import { after, before } from 'node:test';
import { withKey, won } from '../api.ts';
import { type Stack, startStack } from '../stack.ts';
import { type Forbidden, refused } from './as-role.ts';

const [ANNA, BO] = [6311, 6312];
const CHECK = '23514';

let stack: Stack;
before(async () => {
  stack = await startStack();
  await stack.addUsers([ANNA, BO]);
  await stack.fund([BO], 1000);
  const wallet_id = await stack.as(ANNA).defaultWallet();
  const labels = [{ key: 'a', value: 'b' }];
  const deposit = { wallet_id, amount: won(1000), reference: 'mine', labels };
  await stack.grpc.call('wallet.v2.TransferService/Deposit', deposit, withKey(ANNA));
});
after(() => stack.stop());

const attach = (user: number, subject: string, from: string): Forbidden => [
  `INSERT INTO annotations (subject_id, subject, user_id, created_at, reference)
   SELECT id, '${subject}', ${user}, created_at, 'theirs' FROM ${from} LIMIT 1`,
  CHECK,
];

const BOTH: readonly Forbidden[] = [
  "UPDATE annotations SET reference = 'other'",
  'DELETE FROM annotations',
  'TRUNCATE annotations',
  "UPDATE transfer_labels SET value = 'other'",
  'DELETE FROM transfer_labels',
  "INSERT INTO transfer_labels SELECT account_id, 'c', value, created_at, transfer_id FROM transfer_labels",
  // To a transfer that was posted before, also the user's own, and to what others have.
  attach(
    BO,
    'transfer',
    `(SELECT t.id, t.created_at FROM transfers t
    JOIN accounts a ON a.id = t.credit_account_id AND a.owner_user_id = ${BO}) AS before`,
  ),
  attach(BO, 'wallet', `(SELECT id, created_at FROM accounts WHERE owner_user_id = ${ANNA}) AS of_another`),
  [
    `INSERT INTO annotations (subject_id, subject, user_id, created_at, labels)
     VALUES (gen_random_uuid(), 'hold', ${ANNA}, now(), '[["a", "b"]]')`,
    CHECK,
  ],
  [
    `INSERT INTO annotations (subject_id, subject, user_id, created_at, labels)
     VALUES (gen_random_uuid(), 'gift', ${ANNA}, now(), '[["a", "b"]]')`,
    CHECK,
  ],
];

refused('ppuri_app', () => [stack.database.appUrl, stack.database.ownerUrl], BOTH);
refused('ppuri_worker', () => [stack.database.workerUrl, stack.database.ownerUrl], BOTH);
