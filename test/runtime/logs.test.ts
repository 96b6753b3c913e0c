// The two logs: one line in transactions.log for each posted transfer, and nothing of it in app.log.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { withKey } from '../api.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const ANNA = 8801;
const BO = 8802;
let stack: Stack;
before(async () => {
  stack = await startStack();
  await stack.addUsers([ANNA, BO]);
  await stack.fund([ANNA], 1000);
});
after(() => stack.stop());

type Line = Record<string, unknown>;

/** The lines of a log, once one of them is so: they are written in order, a moment after the answer. */
function linesOnce(file: string, isSo: (line: Line) => boolean): Promise<Line[]> {
  return until(`${file} has the line`, () => {
    const text = readFileSync(join(stack.logDir, file), 'utf8');
    const lines: Line[] = text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
    return lines.some(isSo) && lines;
  });
}

test('a transfer is one line with ids, amount, currency, balances after and request id; a replay and a refusal are none', async () => {
  const identity = withKey(ANNA);
  const pay = (amount: number, who = identity) =>
    stack.grpc.call('wallet.v1.WalletService/Transfer', { to_user_id: BO, amount, memo: 'for lunch' }, who);
  const sent = await pay(300);
  await pay(300);
  await pay(100_000, withKey(ANNA));
  const last = await pay(1, withKey(ANNA));
  const written = await linesOnce(
    'transactions.log',
    (line) => line['ppuri.transfer.id'] === last.body.transaction_id,
  );
  const lines = written.filter((line) => line['event.action'] === 'transfer');
  assert.deepEqual(
    lines.map((line) => line['ppuri.transfer.id']),
    [sent.body.transaction_id, last.body.transaction_id],
  );
  const [line = {}] = lines;
  assert.deepEqual(
    [
      'event.action',
      'ppuri.amount',
      'ppuri.currency',
      'ppuri.debit.balance_after',
      'ppuri.credit.balance_after',
    ].map((name) => line[name]),
    ['transfer', '300', 'KRW', '700', '300'],
  );
  assert.equal(line['ppuri.key.id'], stack.key.keyId);
  assert.match(String(line['http.request.id']), /^[0-9a-f-]{36}$/);
  assert.doesNotMatch(JSON.stringify(line), /lunch/, 'what people write to each other is not logged');
});

test('the app log has nothing about money', async () => {
  await linesOnce('transactions.log', () => true);
  const lines = await linesOnce('app.log', ({ message }) => message === 'serving');
  assert.ok(lines.every((line) => !('ppuri.transfer.id' in line)));
});
