// Batches and limits: a full one passes within the defaults, and asking for many things at once is no way around them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CONTRACTS } from '../../src/grpc/contracts.ts';
import { withKey } from '../api.ts';
import type { Answer } from '../api-client.ts';
import { type Stack, startStack } from '../stack.ts';

const [ANNA, BO] = [9601, 9602];
/** The default for a user. */
const RATE = 100;
let stack: Stack;
let wallet: string;

before(async () => {
  stack = await startStack({ env: { USER_RATE_PER_SECOND: String(RATE) } });
  await stack.addUsers([ANNA, BO]);
  await stack.fund([BO], 1000);
  const { rows } = await stack.db.query('SELECT id FROM accounts WHERE owner_user_id = $1', [ANNA]);
  wallet = rows[0].id;
});
after(() => stack.stop());

/** The sender has nothing, so that each call is quick: what it takes of the limits is the same. */
const send = (count: number): Promise<Answer> => {
  const item = {
    debit_wallet_id: wallet,
    credit_user_id: String(BO),
    amount: { currency_code: 'KRW', minor_units: '1' },
  };
  return stack.grpc.call(
    'wallet.v2.TransferService/BatchCreateTransfers',
    { items: Array.from({ length: count }, () => item), mode: 'BATCH_MODE_ALL_OR_NOTHING' },
    withKey(ANNA),
  );
};

test('a batch takes one unit for each begun ten of its items, a call without items one', () => {
  const contract = CONTRACTS.get('/wallet.v2.TransferService/BatchCreateTransfers');
  const costOf = (count: number) => contract?.rules.costOf(Buffer.from('0a00'.repeat(count), 'hex'));
  assert.deepEqual([0, 1, 10, 11, 100, 999, 1000].map(costOf), [1, 1, 1, 2, 10, 100, 100]);
  assert.equal(CONTRACTS.get('/wallet.v2.TransferService/CreateTransfer')?.rules.costOf(Buffer.alloc(0)), 1);
  assert.equal(CONTRACTS.get('/wallet.v2.WalletService/BatchGetBalances')?.rules.costOf(Buffer.alloc(0)), 5);
});

test('a batch of 1,000 passes with the default limits, and of many at once only what the limit allows', async () => {
  const started = performance.now();
  const answers = await Promise.all(Array.from({ length: 12 }, () => send(1000)));
  const seconds = (performance.now() - started) / 1000;
  const reasons = answers.map(({ reason }) => reason);
  assert.deepEqual([...new Set(reasons)].sort(), ['BALANCE_TOO_LOW', 'RATE_LIMITED']);
  const passed = reasons.filter((reason) => reason === 'BALANCE_TOO_LOW').length;
  assert.ok(passed >= 2, `only ${passed} passed`);
  assert.ok(passed * 100 <= 2 * RATE + RATE * seconds, `${passed} passed in ${seconds} s`);
});
