// A month without a partition for its transfers: callers are told to come again, ops are told which month, and it is made.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { actingAs } from '../api.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const ANNA = 6601;
let stack: Stack;
before(async () => {
  stack = await startStack();
  await stack.addUsers([ANNA]);
});
after(() => stack.stop());

test('payments are UNAVAILABLE, the log names the month and what to do, and a retry pays once it is made', async () => {
  const { rows } = await stack.db.query<{ month: string }>(
    `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM') AS month`,
  );
  const month = rows[0]?.month ?? '';
  await stack.db.query(`REVOKE EXECUTE ON FUNCTION open_transfer_months(integer) FROM ppuri_app;
    DROP TABLE transfers_${month.replace('-', '_')}`);
  const identities = Array.from({ length: 20 }, () => ({
    ...actingAs(ANNA),
    idempotencyKey: crypto.randomUUID(),
  }));
  const pay = (identity: (typeof identities)[number]) =>
    stack.grpc.call('wallet.v1.WalletService/Charge', { amount: 10 }, identity);
  for (const { reason } of await Promise.all(identities.map(pay))) assert.equal(reason, 'UNAVAILABLE');
  const log = await until('the log says so', () => {
    const lines = readFileSync(join(stack.logDir, 'app.log'), 'utf8').split('\n');
    return lines.find((line) => line.includes('open_transfer_months(12)'));
  });
  const line = JSON.parse(log);
  assert.deepEqual([line['log.level'], line['ppuri.month']], ['error', month]);
  assert.match(line['event.reason'], /permission denied/);

  await stack.db.query('GRANT EXECUTE ON FUNCTION open_transfer_months(integer) TO ppuri_app');
  for (const identity of identities)
    await until('it is paid', async () => (await pay(identity)).status === 0);
  const balance = await stack.grpc.call('wallet.v1.WalletService/GetBalance', {}, actingAs(ANNA));
  assert.equal(Number(balance.body.balance), 10 * identities.length);
});
