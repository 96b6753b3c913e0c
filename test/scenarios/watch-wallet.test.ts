// The stream of a wallet as its reader sees it: nothing is missed, nothing comes twice, whatever the reader comes back with.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Connection, connect, type Json } from '../../clients/typescript/src/connection.ts';
import type { PpuriError } from '../../clients/typescript/src/error.ts';
import { actingAs, uniqueUsers, withKey, won } from '../api.ts';
import type { Answer } from '../api-client.ts';
import { makeKey } from '../keys.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { EVENTS, eventsOf, expectRefusedStream, openStream } from './event-stream.ts';
import { clientOf, historyOf, type Told, toTold, transactionsOf, WATCH, watch } from './wallet-stream.ts';

let stack: Stack;
let client: Connection;
before(async () => {
  stack = await startStack({ edge: !withoutEdge, keyRefreshMs: 100 });
  client = clientOf(stack);
});
after(async () => {
  client.close();
  await stack.stop();
});

/** Two users with money, and the wallet of the first. */
async function twoUsers(): Promise<[user: number, other: number, wallet: string]> {
  const [user = 0, other = 0] = uniqueUsers(2);
  await stack.addUsers([user, other]);
  await stack.fund([user, other], 1_000_000);
  return [user, other, await stack.as(user).defaultWallet()];
}

async function ok(call: Promise<Answer>): Promise<Json> {
  const answer = await call;
  assert.equal(answer.status, 0, answer.reason);
  return answer.body;
}

/** Pays as many won, one each, in one transaction, at one moment. */
async function payMany(from: number, to: number, count: number): Promise<void> {
  const wallet_id = await stack.as(from).defaultWallet();
  const items = Array.from({ length: count }, () => ({
    debit_wallet_id: wallet_id,
    credit_user_id: String(to),
    amount: won(1),
  }));
  const request = { items, mode: 'BATCH_MODE_ALL_OR_NOTHING' };
  await ok(stack.grpc.call('wallet.v2.TransferService/BatchCreateTransfers', request, withKey(from)));
}

const balanceOf = ({ body }: Told) => Number((body.balance as Json).minor_units);

test('a stream begins with the wallet, tells each transaction in its order, and ends with the last state of a closed wallet', async () => {
  const [user, other, main] = await twoUsers();
  const wish = { currency_code: 'KRW', display_name: 'Rent' };
  const made = await ok(stack.grpc.call('wallet.v2.WalletService/CreateWallet', wish, withKey(user)));
  const wallet_id = String((made.wallet as Json).wallet_id);
  const reading = watch(client, user, wallet_id);
  assert.equal(balanceOf(await reading.next('snapshot')), 0);

  const pay = (from: number, debit_wallet_id: string, to: Json) =>
    ok(
      stack.grpc.call(
        'wallet.v2.TransferService/CreateTransfer',
        { debit_wallet_id, ...to, amount: won(500) },
        withKey(from),
      ),
    );
  await pay(user, main, { credit_wallet_id: wallet_id });
  const came = await reading.next('transaction');
  assert.deepEqual([came.body.direction, came.body.balance_after], ['DIRECTION_IN', won(500)]);

  const rename = { wallet_id, display_name: 'Rent and food' };
  await ok(stack.grpc.call('wallet.v2.WalletService/UpdateWallet', rename, withKey(user)));
  assert.equal((await reading.next('snapshot')).body.display_name, 'Rent and food');

  await pay(user, wallet_id, { credit_user_id: String(other) });
  assert.equal((await reading.next('transaction')).body.direction, 'DIRECTION_OUT');
  await ok(stack.grpc.call('wallet.v2.WalletService/CloseWallet', { wallet_id }, withKey(user)));
  assert.equal((await reading.next('snapshot')).body.state, 'WALLET_STATE_CLOSED');
  assert.equal(await reading.ended, 'OK');
  assert.deepEqual(transactionsOf(reading.told), await historyOf(client, user, wallet_id));

  const again = watch(client, user, wallet_id, came.cursor);
  assert.equal(await again.ended, 'OK');
  assert.deepEqual(
    again.told.map(({ kind }) => kind),
    ['transaction', 'snapshot'],
  );
});

test('what is set aside in holds is a transaction and then the wallet as it is', async () => {
  const [user, other, wallet_id] = await twoUsers();
  const reading = watch(client, user, wallet_id);
  await reading.next('snapshot');
  const wish = { wallet_id, amount: won(300), credit_user_id: String(other), expires_in: '600s' };
  await ok(stack.grpc.call('wallet.v2.HoldService/CreateHold', wish, withKey(user)));
  const { transfer } = (await reading.next('transaction')).body;
  assert.equal((transfer as Json).kind, 'TRANSFER_KIND_HOLD');
  assert.notEqual((transfer as Json).hold_id, '');
  assert.deepEqual((await reading.next('snapshot')).body.held_amount, won(300));
  reading.stop();
});

test('behind each cursor comes exactly the rest, of transactions of one moment and of more than one page, too', async () => {
  const [user, other, wallet_id] = await twoUsers();
  const live = watch(client, user, wallet_id);
  await live.next('snapshot');
  for (const count of [3, 150, 450]) await payMany(user, other, count);
  await payMany(other, user, 2);
  await until('all are told', () => live.told.length >= 606);
  live.stop();
  const history = await historyOf(client, user, wallet_id);
  // The deposit came before the stream.
  assert.equal(history.length, 606);
  assert.deepEqual(transactionsOf(live.told), history.slice(1));
  for (const index of [0, 1, 2, 3, 154, 404, 503, 504, 605]) {
    const { cursor } = live.told[index] as Told;
    const rest = watch(client, user, wallet_id, cursor);
    await until('it is up to date', () => rest.told.at(-1)?.kind === 'snapshot');
    rest.stop();
    assert.deepEqual(transactionsOf(rest.told), history.slice(index + 1), `behind message ${index}`);
    assert.equal(rest.told.length, 606 - index, 'transactions, and the wallet once');
    assert.equal(balanceOf(rest.told.at(-1) as Told), 1_000_000 - 603 + 2);
  }
});

test('a stream is refused for a wallet or a cursor that is not its own, and the field is named', async () => {
  const [user, other, wallet_id] = await twoUsers();
  const others = await stack.as(other).defaultWallet();
  const wish = { currency_code: 'KRW', display_name: 'Rent' };
  const made = await ok(stack.grpc.call('wallet.v2.WalletService/CreateWallet', wish, withKey(user)));
  const second = String((made.wallet as Json).wallet_id);
  const cursorOf = async (who: number, which: string) => {
    const reading = watch(client, who, which);
    const { cursor } = await reading.next('snapshot');
    reading.stop();
    return cursor;
  };
  const own = await cursorOf(user, wallet_id);
  const json = (...fields: unknown[]) => Buffer.from(JSON.stringify(fields)).toString('base64url');
  const bad = (reason: string, field: string, request: Json, who = user) =>
    expectRefusedStream(stack, { rpc: WATCH, request, user: actingAs(who), reason, field });
  await bad('WALLET_NOT_FOUND', 'wallet_id', { wallet_id: others });
  await bad('WALLET_NOT_FOUND', 'wallet_id', { wallet_id: crypto.randomUUID() });
  await bad('INVALID_FIELD', 'wallet_id', { wallet_id: 'rent' });
  const cursors = {
    "of the user's other wallet": await cursorOf(user, second),
    "of another user's wallet": await cursorOf(other, others),
    'nothing of ours': 'nonsense',
    'another JSON': json(1, 'x', '5', 'y'),
    damaged: `${own.slice(0, -3)}AAA`,
    long: 'a'.repeat(257),
  };
  for (const after_cursor of Object.values(cursors))
    await bad('INVALID_FIELD', 'after_cursor', { wallet_id, after_cursor });
  await bad('INVALID_FIELD', 'after_cursor', { wallet_id: others, after_cursor: own }, other);
});

test('a cursor whose transaction a restore has undone is refused, and so is an open stream that has told it', async () => {
  const [user, other, wallet_id] = await twoUsers();
  const reading = watch(client, user, wallet_id);
  await reading.next('snapshot');
  await ok(stack.as(user).pay(other, 7));
  const { cursor, body } = await reading.next('transaction');
  // As a restored database is: the transfer never was, and others come after what was before it.
  await stack.db.query(`DO $$ BEGIN
    SET LOCAL session_replication_role = replica;
    UPDATE accounts SET version = version - 1, updated_at = updated_at - interval '1 second',
      balance = balance + CASE owner_user_id WHEN ${user} THEN 7 ELSE -7 END WHERE owner_user_id IN (${user}, ${other});
    DELETE FROM transfers WHERE id = '${(body.transfer as Json).transfer_id}';
  END $$`);
  const ended = (await reading.ended) as PpuriError;
  assert.deepEqual([ended.reason, ended.violations[0]?.field], ['FEED_RESTARTED', 'after_cursor']);
  const request = { wallet_id, after_cursor: cursor };
  const why = { reason: 'FEED_RESTARTED', field: 'after_cursor' };
  await expectRefusedStream(stack, { rpc: WATCH, request, user: actingAs(user), ...why });
  const fresh = watch(client, user, wallet_id);
  assert.equal(balanceOf(await fresh.next('snapshot')), 1_000_000);
  fresh.stop();
});

test('a stream ends when its key is revoked', async () => {
  const [user, , wallet_id] = await twoUsers();
  const key = await makeKey(stack.database, { scopes: ['read'], userId: BigInt(user) });
  const reader = connect(stack.grpcAddress, key, { retry: false });
  // The server does not know the key before it has read the keys again.
  const reading = await until('the key is known', async () => {
    const opened = watch(reader, user, wallet_id);
    const ended = await Promise.race([opened.ended, opened.next('snapshot').then(() => undefined)]);
    return ended === undefined && opened;
  });
  await ok(stack.grpc.call('admin.v1.ApiKeyService/RevokeApiKey', { key_id: key.keyId }, {}));
  assert.equal(((await reading.ended) as PpuriError).reason, 'AUTHENTICATION_FAILED');
  reader.close();
});

test('over REST the stream is server-sent events for who accepts them, and goes on behind Last-Event-ID', {
  skip: withoutEdge,
}, async () => {
  const [user, other, wallet_id] = await twoUsers();
  const target = `/api/v2/wallets/${wallet_id}:watch`;
  const first = await openStream(stack, actingAs(user), target, EVENTS);
  assert.equal(first.response.status, 200);
  assert.equal(first.response.headers.get('content-type'), 'text/event-stream');
  assert.equal(first.response.headers.get('cache-control'), 'no-store');
  await until('it has begun', () => eventsOf(first.read.text).length === 1);
  for (const amount of [1, 2, 3]) await ok(stack.as(user).pay(other, amount));
  await until('all are told', () => eventsOf(first.read.text).length === 4);
  await first.stop();
  const events = eventsOf(first.read.text);
  const told = events.map(({ data }) => toTold(data));
  assert.deepEqual(
    events.map(({ id }) => id),
    told.map(({ cursor }) => cursor),
  );
  const history = await historyOf(client, user, wallet_id);
  assert.deepEqual(transactionsOf(told), history.slice(1));

  // A reader repeats its URL, with the cursor of its first request.
  const last = events[2]?.id ?? '';
  const again = await openStream(stack, actingAs(user), `${target}?after_cursor=${events[0]?.id}`, {
    ...EVENTS,
    'last-event-id': last,
  });
  await until('it is up to date', () => eventsOf(again.read.text).length === 2);
  await again.stop();
  const rest = eventsOf(again.read.text).map(({ data }) => toTold(data));
  assert.deepEqual(transactionsOf(rest), history.slice(3));
  assert.equal(rest[1]?.kind, 'snapshot');

  const lines = await openStream(stack, actingAs(user), `${target}?after_cursor=${events[0]?.id}`, {});
  await until('it is up to date', () => lines.read.text.split('\n').length === 5);
  await lines.stop();
  const ofLines = lines.read.text
    .trim()
    .split('\n')
    .map((line) => toTold(JSON.parse(line)));
  assert.deepEqual(transactionsOf(ofLines), history.slice(1));
});
