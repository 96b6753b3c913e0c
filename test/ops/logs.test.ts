// The two logs: one line in transactions.log for each posted transfer, and nothing of it in app.log.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withKey } from '../api.ts';
import { type Stack, startStack } from '../stack.ts';

const ANNA = 8801;
const BO = 8802;
let stack: Stack;
before(async () => {
  stack = await startStack();
  await stack.addUsers([ANNA, BO]);
  await stack.fund([ANNA], 1000);
});
after(() => stack.stop());

async function linesOf(file: string): Promise<Record<string, unknown>[]> {
  await sleep(500);
  const text = readFileSync(`${stack.logDir}/${file}`, 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

test('a transfer is one line with ids, amount, currency, balances after and request id; a replay and a refusal are none', async () => {
  const before = (await linesOf('transactions.log')).length;
  const identity = withKey(ANNA);
  const pay = (amount: number, who = identity) =>
    stack.grpc.call('wallet.v1.WalletService/Transfer', { to_user_id: BO, amount, memo: 'for lunch' }, who);
  const sent = await pay(300);
  await pay(300);
  await pay(100_000, { ...identity, idempotencyKey: crypto.randomUUID() });
  const lines = (await linesOf('transactions.log')).slice(before);
  assert.equal(lines.length, 1);
  const [line = {}] = lines;
  assert.equal(line.transferId, sent.body.transaction_id);
  assert.deepEqual(
    [line.kind, line.amount, line.currency, line.debitBalanceAfter, line.creditBalanceAfter],
    ['transfer', '300', 'KRW', '700', '300'],
  );
  assert.equal(line.keyId, stack.key.keyId);
  assert.match(String(line.requestId), /^[0-9a-f-]{36}$/);
  assert.doesNotMatch(JSON.stringify(line), /lunch/, 'what people write to each other is not logged');
});

test('the app log has nothing about money', async () => {
  const lines = await linesOf('app.log');
  assert.ok(lines.some(({ msg }) => msg === 'serving'));
  assert.ok(lines.every((line) => !('transferId' in line)));
});
