// A worker that loses a webhook and takes it again, with attempts that Postgres has not written yet: as after a failover.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { actingAs, uniqueUsers, withKey } from '../api.ts';
import { type Stack, startStack } from '../stack.ts';
import { until, untilLocked } from '../until.ts';
import { startDeliveries, startReceiver } from './deliveries.ts';

const [PAYER = 0, PAYEE = 0] = uniqueUsers(2);
let stack: Stack;
before(async () => {
  stack = await startStack({ env: { WEBHOOKS_TO_LOOPBACK: 'true' } });
  await stack.addUsers([PAYER, PAYEE]);
  await stack.fund([PAYER], 1_000);
});
after(() => stack?.stop());

async function pay(walletId: string): Promise<void> {
  const amount = { currency_code: 'KRW', minor_units: '1' };
  const request = { debit_wallet_id: walletId, credit_user_id: String(PAYEE), amount };
  const { status, reason } = await stack.grpc.call(
    'wallet.v2.TransferService/CreateTransfer',
    request,
    withKey(PAYER),
  );
  assert.equal(status, 0, reason);
}

test('an event keeps its place also while its last attempt, which failed, is yet to be written', async () => {
  const { body } = await stack.grpc.call('wallet.v2.WalletService/ListWallets', {}, actingAs(PAYER));
  const walletId = String((body.wallets as { wallet_id: string }[])[0]?.wallet_id);
  const taken: string[] = [];
  let first: string | undefined;
  let isCalm = false;
  using receiver = await startReceiver(({ event }) => {
    first ??= event.id;
    if (event.id === first && !isCalm) return 500;
    if (!taken.includes(event.id)) taken.push(event.id);
    return 204;
  });
  await using _deliveries = startDeliveries(stack.database);
  await until('all is sealed', async () => {
    const { rows } = await stack.db.query('SELECT oldest_unsealed() IS NULL AS is_sealed');
    return rows[0]?.is_sealed === true;
  });
  const request = { url: receiver.url, types: ['transfer.posted'] };
  const made = await stack.grpc.call('wallet.v2.WebhookService/CreateWebhook', request);
  assert.equal(made.status, 0, made.reason);
  await pay(walletId);
  await pay(walletId);
  await until('both events are taken up, and the first has failed', async () => {
    const { rows } = await stack.db.query('SELECT count(*)::integer AS count FROM webhook_deliveries');
    return first !== undefined && rows[0]?.count === 2;
  });

  const holder = await stack.db.connect();
  try {
    await holder.query('BEGIN');
    await holder.query('SELECT FROM webhook_deliveries WHERE event_id = $1 FOR UPDATE', [first]);
    await untilLocked(stack.db, 1, 'UPDATE webhook_deliveries');
    await stack.db.query(`UPDATE webhooks SET lease_until = clock_timestamp() - interval '1 second'`);
    await until('the webhook is taken again', async () => {
      const { rows } = await stack.db.query('SELECT lease > 1 AS is_taken FROM webhooks');
      return rows[0]?.is_taken === true;
    });
    // The worker has read what is undelivered, and sends it.
    const sent = receiver.received.length;
    await until('something is sent', () => receiver.received.length > sent);
    await sleep(100);
    isCalm = true;
    await until('both are taken', () => taken.length === 2);
  } finally {
    await holder.query('ROLLBACK');
    holder.release();
  }
  assert.deepEqual(taken.indexOf(String(first)), 0, 'the first one first');
});

test('what the worker takes up while it takes the webhook again arrives', async () => {
  const { body } = await stack.grpc.call('wallet.v2.WalletService/ListWallets', {}, actingAs(PAYER));
  const walletId = String((body.wallets as { wallet_id: string }[])[0]?.wallet_id);
  await stack.db.query('DELETE FROM webhook_deliveries; DELETE FROM webhooks');
  using receiver = await startReceiver();
  const request = { url: receiver.url, types: ['transfer.posted'] };
  const made = await stack.grpc.call('wallet.v2.WebhookService/CreateWebhook', request);
  assert.equal(made.status, 0, made.reason);
  await using _deliveries = startDeliveries(stack.database);
  await pay(walletId);
  await until('it is taken', () => receiver.received.length === 1);
  // Either of the two statements that wait may be the first one.
  for (let turn = 1; turn <= 8; turn++) {
    // Nothing but these statements is to wait for the table: the worker has two connections.
    await until('what was sent is recorded', async () => {
      const { rows } = await stack.db.query('SELECT FROM webhook_deliveries WHERE delivered_at IS NULL');
      return rows.length === 0;
    });
    const holder = await stack.db.connect();
    try {
      // Reads go on.
      await holder.query('BEGIN; LOCK TABLE webhook_deliveries IN SHARE MODE');
      await pay(walletId);
      await untilLocked(stack.db, 1, 'INSERT INTO webhook_deliveries');
      await stack.db.query(`UPDATE webhooks SET lease_until = clock_timestamp() - interval '1 second'`);
      await untilLocked(stack.db, 2, 'INSERT INTO webhook_deliveries');
    } finally {
      await holder.query('ROLLBACK');
      holder.release();
    }
    await until(`event ${turn + 1} arrives`, () => receiver.received.length > turn);
  }
});
