// A transfer of a kind that only a later release knows is shown without its kind: both releases share a ledger for a while.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Json } from '../api-client.ts';
import { type Stack, startStack } from '../stack.ts';

const [ANNA, BO] = [9901, 9902];
let stack: Stack;
before(async () => {
  stack = await startStack();
});
after(() => stack.stop());

test('histories in both versions show it, and the balance after it', async () => {
  await stack.addUsers([ANNA, BO]);
  await stack.fund([ANNA], 100);
  assert.equal((await stack.as(ANNA).pay(BO, 30)).status, 0);
  await stack.db.query(`ALTER TYPE transfer_kind ADD VALUE 'of_a_later_release'`);
  // Transfers never change; here one becomes what a later release posted.
  await stack.db.query(`SET session_replication_role = replica;
    UPDATE transfers SET kind = 'of_a_later_release' WHERE kind = 'transfer';
    SET session_replication_role = origin`);
  const first = await stack.as(BO).call('wallet.v1.WalletService/ListTransactions');
  assert.deepEqual([first.status, first.reason], [0, '']);
  assert.deepEqual(
    first.list('transactions').map(({ kind, balance_after }) => [kind, balance_after]),
    [['TRANSACTION_KIND_UNSPECIFIED', '30']],
  );
  const wallet_id = await stack.as(BO).defaultWallet();
  const second = await stack.as(BO).call('wallet.v2.WalletService/ListTransactions', { wallet_id });
  assert.deepEqual([second.status, second.reason], [0, '']);
  assert.deepEqual(
    second.list('transactions').map(({ transfer }) => (transfer as Json).kind),
    ['TRANSFER_KIND_UNSPECIFIED'],
  );
});
