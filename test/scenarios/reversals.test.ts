// Transfers that operators reverse: in parts, together with what receivers refund, whatever the states of the wallets.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { actingAs, expectRefusal, uniqueUsers, withKey, won } from '../api.ts';
import type { Answer, Json } from '../api-client.ts';
import { type Stack, startStack } from '../stack.ts';

const REVERSE = 'admin.v1.AccountService/ReverseTransfer';
const TRANSFERS = 'wallet.v2.TransferService';
const NO_ID = '00000000-0000-4000-8000-000000000000';

let stack: Stack;
before(async () => {
  stack = await startStack();
});
after(() => stack.stop());

const reverse = (transfer_id: unknown, more: Json = {}, idempotencyKey: string = crypto.randomUUID()) =>
  stack.grpc.call(
    REVERSE,
    { transfer_id: String(transfer_id), reason: 'paid by a thief', ...more },
    { idempotencyKey },
  );
const ok = (answer: Answer): Answer => {
  assert.equal(answer.status, 0, answer.reason);
  return answer;
};

/** Two users with 1,000 each, of whom one has paid the other 500. */
async function paid() {
  const [anna = 0, bo = 0] = uniqueUsers(2);
  await stack.addUsers([anna, bo]);
  await stack.fund([anna, bo], 1000);
  const transfer_id = String((await stack.as(anna).pay(bo, 500)).body.transaction_id);
  return { anna, bo, transfer_id };
}
const refund = (user: number, transfer_id: string, amount: number) =>
  stack.grpc.call(`${TRANSFERS}/RefundTransfer`, { transfer_id, amount: won(amount) }, withKey(user));
const freeze = async (user: number, direction = 'FREEZE_DIRECTION_BOTH') =>
  ok(
    await stack.grpc.call('admin.v1.AccountService/Freeze', {
      ...{ user_id: String(user), direction, reason: 'a test', case_id: 'C-1' },
    }),
  );

test('what is reversed and what is refunded are counted together, and both users see the reversal', async () => {
  const { anna, bo, transfer_id } = await paid();
  const first = ok(await reverse(transfer_id, { amount: won(100) }));
  assert.deepEqual(
    [
      first.at('transfer', 'kind'),
      first.at('transfer', 'refunds_transfer_id'),
      first.at('transfer', 'key_id'),
    ],
    ['TRANSFER_KIND_REVERSAL', transfer_id, ''],
  );
  ok(await refund(bo, transfer_id, 150));
  expectRefusal(await reverse(transfer_id, { amount: won(251) }), 'ERR006', 'REFUND_EXCEEDS_TRANSFER');
  const longest = 'k'.repeat(128);
  ok(await reverse(transfer_id, {}, longest));
  ok(await reverse(transfer_id, {}, longest));
  expectRefusal(await reverse(transfer_id), 'ERR006', 'REFUND_EXCEEDS_TRANSFER');
  expectRefusal(await refund(bo, transfer_id, 1), 'ERR006', 'REFUND_EXCEEDS_TRANSFER');
  assert.deepEqual([await stack.as(anna).balance(), await stack.as(bo).balance()], [1000, 1000]);
  for (const user of [anna, bo]) {
    const seen = ok(await stack.grpc.call(`${TRANSFERS}/GetTransfer`, { transfer_id }, actingAs(user)));
    assert.deepEqual(seen.at('transfer', 'refunded_amount'), won(500));
    const refunds = await stack.grpc.call(`${TRANSFERS}/ListRefunds`, { transfer_id }, actingAs(user));
    assert.deepEqual(
      refunds.list('refunds').map(({ kind, key_id, memo }) => [kind, key_id === '', memo]),
      [
        ['TRANSFER_KIND_REVERSAL', true, ''],
        ['TRANSFER_KIND_REFUND', user !== bo, ''],
        ['TRANSFER_KIND_REVERSAL', true, ''],
      ],
    );
  }
});

test('it takes back out of frozen wallets and into frozen ones, and never below zero', async () => {
  const { anna, bo, transfer_id } = await paid();
  await freeze(anna);
  await freeze(bo);
  ok(await reverse(transfer_id, { amount: won(100) }));
  const other = await paid();
  ok(await stack.as(other.bo).pay(other.anna, 1400));
  await stack.db.query('UPDATE accounts SET overdraft_limit = 5000 WHERE owner_user_id = $1', [other.bo]);
  expectRefusal(await reverse(other.transfer_id), 'ERR006', 'BALANCE_TOO_LOW');
  ok(await reverse(other.transfer_id, { amount: won(100) }));
  assert.equal(await stack.as(other.bo).balance(), 0);
});

test('deposits and withdrawals are reversed, and what is set aside is not', async () => {
  const [anna = 0] = uniqueUsers(1);
  await stack.addUsers([anna]);
  const wallet_id = await stack.as(anna).defaultWallet();
  const move = async (name: string, amount: number) =>
    ok(await stack.grpc.call(`${TRANSFERS}/${name}`, { wallet_id, amount: won(amount) }, withKey(anna))).at(
      'transfer',
      'transfer_id',
    );
  const deposited = await move('Deposit', 1000);
  const withdrawn = await move('Withdraw', 300);
  ok(await reverse(withdrawn));
  ok(await reverse(deposited, { amount: won(1000) }));
  assert.equal(await stack.as(anna).balance(), 0);
  await stack.fund([anna], 100);
  const hold = { wallet_id, amount: won(50) };
  ok(await stack.grpc.call('wallet.v2.HoldService/CreateHold', hold, withKey(anna)));
  const listed = await stack.grpc.call(
    'wallet.v2.WalletService/ListTransactions',
    { wallet_id, kinds: ['TRANSFER_KIND_HOLD', 'TRANSFER_KIND_REVERSAL'] },
    actingAs(anna),
  );
  const ids = listed.list('transactions').map(({ transfer }) => (transfer as Json).transfer_id);
  expectRefusal(await reverse(ids[0]), 'ERR006', 'TRANSFER_NOT_REVERSIBLE', ['transfer_id']);
  expectRefusal(await reverse(ids[1]), 'ERR006', 'TRANSFER_NOT_REVERSIBLE', ['transfer_id']);
  expectRefusal(await reverse(NO_ID), 'ERR005', 'TRANSFER_NOT_FOUND', ['transfer_id']);
  expectRefusal(
    await reverse(deposited, { amount: { currency_code: 'USD', minor_units: '1' } }),
    'ERR001',
    'CURRENCY_MISMATCH',
    ['amount.currency_code'],
  );
});

test('the same key gets the same answer, and each act is on the audit trail with why', async () => {
  const { anna, bo, transfer_id } = await paid();
  const key = crypto.randomUUID();
  const once = ok(await reverse(transfer_id, { amount: won(200) }, key));
  const twice = ok(await reverse(transfer_id, { amount: won(200) }, key));
  assert.deepEqual(twice.body, once.body);
  assert.deepEqual([await stack.as(anna).balance(), await stack.as(bo).balance()], [700, 1300]);
  const other = await reverse(transfer_id, { amount: won(201) }, key);
  expectRefusal(other, 'ERR006', 'IDEMPOTENCY_KEY_REUSED', ['idempotency-key']);
  const acts = await stack.grpc.call('admin.v1.AuditService/ListActs', { target: transfer_id });
  const done = acts.list('acts').findLast(({ outcome }) => outcome === 'ACT_OUTCOME_DONE');
  assert.equal(done?.reason, 'paid by a thief');
  assert.match(String(done?.before), /"refundedAmount": ?"0"/);
  assert.match(String(done?.after), /"refundedAmount": ?"200"/);
});
