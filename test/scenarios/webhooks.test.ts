// Webhooks over gRPC and REST: events arrive signed and in order, are tried again, and go to whom the key belongs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { hmacKey } from '../../clients/typescript/src/headers.ts';
import { verifyWebhook } from '../../clients/typescript/src/webhook.ts';
import { actingAs, uniqueUsers, withKey } from '../api.ts';
import { type Answer, type ApiClient, grpcClient, type Json } from '../api-client.ts';
import { makeKey } from '../keys.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { type Answering, type Notification, startDeliveries, startReceiver } from '../webhooks/deliveries.ts';

const CREATE = 'wallet.v2.WebhookService/CreateWebhook';
const GET = 'wallet.v2.WebhookService/GetWebhook';
const LIST = 'wallet.v2.WebhookService/ListWebhooks';
const UPDATE = 'wallet.v2.WebhookService/UpdateWebhook';
const DELETE = 'wallet.v2.WebhookService/DeleteWebhook';
const ROTATE = 'wallet.v2.WebhookService/RotateWebhookSecret';
const DELIVERIES = 'wallet.v2.WebhookService/ListDeliveries';
const REDELIVER = 'wallet.v2.WebhookService/RedeliverEvents';
const TEST_EVENT = 'wallet.v2.WebhookService/SendTestEvent';
const RESUME = 'admin.v1.WebhookService/ResumeWebhook';
const PAY = 'wallet.v2.TransferService/CreateTransfer';
const NO_ID = '00000000-0000-4000-8000-000000000000';
/** For thousands of deliveries on a busy machine. */
const PATIENCE_MS = 120_000;

let stack: Stack;
let deliveries: AsyncDisposable;
before(async () => {
  stack = await startStack({ edge: !withoutEdge, keyRefreshMs: 100, env: { WEBHOOKS_TO_LOOPBACK: 'true' } });
  deliveries = startDeliveries(stack.database);
});
after(async () => {
  await deliveries[Symbol.asyncDispose]();
  await stack.stop();
});

const ways: readonly { over: string; client: () => ApiClient }[] = [
  { over: 'gRPC', client: () => stack.grpc },
  ...(withoutEdge ? [] : [{ over: 'REST', client: () => stack.rest }]),
];
const webhookOf = (answer: Answer): Json => {
  assert.equal(answer.status, 0, `${answer.reason} ${answer.fields}`);
  return answer.body.webhook as Json;
};

/** A receiver with its webhook. */
async function hooked(client: ApiClient, request: Json = {}, answer?: Answering) {
  const receiver = await startReceiver(answer);
  const made = await client.call(CREATE, { url: receiver.url, ...request });
  const { webhook_id, public_key } = webhookOf(made) as Record<string, string>;
  const secret = String(made.body.secret);
  return { ...receiver, client, webhook_id, public_key, secret };
}
type Hooked = Awaited<ReturnType<typeof hooked>>;

/** Ends a webhook, so that what other tests do is not sent to it. */
async function unhook({ client, webhook_id = '', ...receiver }: Hooked): Promise<void> {
  assert.equal((await client.call(DELETE, { webhook_id })).status, 0);
  receiver[Symbol.dispose]();
}

/** The transfers that `pay` makes before the first payment. */
const FUNDING = 1;
/** Users with money, and payments between them; returns the ids of the payments. */
async function pay(count: number): Promise<string[]> {
  const [anna = 0, bo = 0] = uniqueUsers(2);
  await stack.addUsers([anna, bo]);
  await stack.fund([anna], 1_000_000);
  const wallet = (await stack.grpc.call('wallet.v2.WalletService/ListWallets', {}, actingAs(anna))).list(
    'wallets',
  )[0];
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const amount = { currency_code: 'KRW', minor_units: String(index + 1) };
    const request = { debit_wallet_id: String(wallet?.wallet_id), credit_user_id: String(bo), amount };
    const answer = await stack.grpc.call(PAY, request, withKey(anna));
    assert.equal(answer.status, 0, answer.reason);
    ids.push(String(answer.at('transfer', 'transfer_id')));
  }
  return ids;
}

const arrived = (receiver: Hooked, ids: readonly string[]) =>
  until(`${ids.length} events arrive`, () =>
    ids.every((id) => receiver.received.some(({ event }) => event.id === id)),
  );
/** Each event once, in the order of the first arrivals. */
const orderOf = ({ received }: Hooked, ids: readonly string[]) =>
  [...new Set(received.map(({ event }) => event.id))].filter((id) => ids.includes(id));
const delivered = async ({ client, webhook_id = '' }: Hooked, count: number): Promise<Json[]> =>
  until(`${count} deliveries are done`, async () => {
    const request = { webhook_id, state: 'DELIVERY_STATE_DELIVERED', page_size: 100 };
    const done = (await client.call(DELIVERIES, request)).list('deliveries');
    return done.length >= count && done;
  });
const checkSigned = ({ secret, public_key = '' }: Hooked, { headers, body }: Notification) => {
  new Webhook(secret).verify(body, { ...headers });
  assert.deepEqual(verifyWebhook(headers, body, secret), JSON.parse(body));
  assert.deepEqual(verifyWebhook(headers, body, public_key), JSON.parse(body));
};

/** A test over gRPC, and the same over REST. */
function onEachWay(name: string, run: (client: ApiClient) => Promise<void>): void {
  for (const { over, client } of ways) test(`${name}, over ${over}`, () => run(client()));
}

onEachWay('events arrive signed, in order, and are listed as delivered', async (client) => {
  const hook = await hooked(client, { types: ['transfer.posted'], description: 'the books' });
  const ids = await pay(5);
  await arrived(hook, ids);
  assert.deepEqual(orderOf(hook, ids), ids);
  for (const request of hook.received) checkSigned(hook, request);
  for (const { event } of hook.received) assert.equal(event.type, 'transfer.posted');
  const [newest] = await delivered(hook, ids.length + FUNDING);
  assert.equal(newest?.event_id, ids.at(-1));
  assert.equal(newest?.attempt_count, 1);
  const [attempt] = (newest?.attempts ?? []) as Json[];
  assert.deepEqual([attempt?.status_code, attempt?.error], [204, '']);
  const shown = webhookOf(await client.call(GET, { webhook_id: hook.webhook_id ?? '' }));
  assert.deepEqual([shown.url, shown.types, shown.description], [hook.url, ['transfer.posted'], 'the books']);
  assert.equal(JSON.stringify(shown).includes('whsec_'), false);
  assert.equal(
    (await client.call(LIST, {})).list('webhooks').some((one) => one.webhook_id === hook.webhook_id),
    true,
  );
  await unhook(hook);
  assert.equal((await client.call(GET, { webhook_id: hook.webhook_id ?? '' })).reason, 'WEBHOOK_NOT_FOUND');
});

onEachWay(
  'what is not taken is sent again with the same id and body, and what follows for the wallet waits',
  async (client) => {
    let refusals = 3;
    const hook = await hooked(client, {}, () => (refusals-- > 0 ? 500 : 200));
    const ids = await pay(4);
    await arrived(hook, ids);
    assert.deepEqual(orderOf(hook, ids), ids);
    const bodies = Map.groupBy(hook.received, ({ event }) => event.id);
    for (const sent of bodies.values()) assert.equal(new Set(sent.map(({ body }) => body)).size, 1);
    const done = await delivered(hook, bodies.size);
    const attempts = done.map(({ attempt_count }) => Number(attempt_count));
    assert.equal(
      attempts.reduce((sum, count) => sum + count, 0),
      bodies.size + 3,
    );
    const failed = done.flatMap((one) => one.attempts as Json[]).filter(({ error }) => error !== '');
    assert.deepEqual(
      failed.map(({ status_code, error }) => `${status_code} ${error}`),
      Array(3).fill('500 HTTP_500'),
    );
    await unhook(hook);
  },
);

onEachWay('a new secret signs beside the old one, and alone where there is no overlap', async (client) => {
  const hook = await hooked(client);
  const { webhook_id = '' } = hook;
  const rotated = await client.call(ROTATE, { webhook_id, overlap: '3600s' });
  const secret = String(rotated.body.secret);
  const { public_key = '', previous_public_key, previous_secret_expires_at } = webhookOf(rotated);
  assert.equal(previous_public_key, hook.public_key);
  assert.ok(previous_secret_expires_at);
  assert.equal((await client.call(ROTATE, { webhook_id })).reason, 'WEBHOOK_ROTATION_IN_PROGRESS');
  assert.equal((await client.call(TEST_EVENT, { webhook_id })).status, 0);
  const first = await until('a test event arrives', () => hook.received[0]);
  assert.equal(first.event.type, 'webhook.test');
  assert.equal(first.headers['webhook-signature']?.split(' ').length, 4);
  checkSigned(hook, first);
  checkSigned({ ...hook, secret, public_key: String(public_key) }, first);
  const again = await client.call(ROTATE, { webhook_id, overlap: '0s' });
  assert.equal(again.status, 0, again.reason);
  await client.call(TEST_EVENT, { webhook_id });
  const last = await until('another test event arrives', () =>
    hook.received.find(({ event }) => event.id !== first.event.id),
  );
  assert.equal(last.headers['webhook-signature']?.split(' ').length, 2);
  assert.throws(() => verifyWebhook(last.headers, last.body, [hook.secret, secret]));
  verifyWebhook(last.headers, last.body, String(again.body.secret));
  await unhook(hook);
});

onEachWay('a paused webhook sends nothing, and everything once it goes on', async (client) => {
  const hook = await hooked(client);
  const { webhook_id = '' } = hook;
  const paused = webhookOf(await client.call(UPDATE, { webhook_id, is_paused: true }));
  assert.deepEqual(
    [paused.state, paused.pause_reason],
    ['WEBHOOK_STATE_PAUSED', 'WEBHOOK_PAUSE_REASON_OWNER'],
  );
  const ids = await pay(3);
  const other = await hooked(client);
  const probe = await pay(1);
  await arrived(other, probe);
  assert.deepEqual(hook.received, []);
  const active = webhookOf(await client.call(UPDATE, { webhook_id, is_paused: false }));
  assert.deepEqual([active.state, active.paused_at ?? null], ['WEBHOOK_STATE_ACTIVE', null]);
  await arrived(hook, [...ids, ...probe]);
  assert.deepEqual(orderOf(hook, ids), ids);
  await unhook(hook);
  await unhook(other);
});

onEachWay('deliveries, a range and all since a moment are sent again', async (client) => {
  const since = new Date().toISOString();
  const hook = await hooked(client, { types: ['transfer.posted'] });
  const { webhook_id = '' } = hook;
  const ids = await pay(3);
  await arrived(hook, ids);
  const done = (await delivered(hook, ids.length + FUNDING))
    .filter(({ event_id }) => ids.includes(String(event_id)))
    .reverse();
  // An event is taken up again once it is known that its receiver took it, which is noted after it arrived.
  const copies = (count: number) =>
    until(`each event was taken ${count} times`, async () => {
      const taken = (await delivered(hook, 3)).filter(({ attempt_count }) => Number(attempt_count) >= count);
      return ids.every((id) => taken.some(({ event_id }) => event_id === id));
    });
  const again = (events: Json) => client.call(REDELIVER, { webhook_id, ...events });
  const delivery_ids = done.map(({ delivery_id }) => String(delivery_id));
  webhookOf(await again({ deliveries: { delivery_ids } }));
  await copies(2);
  const sequences = done.map(({ sequence }) => String(sequence));
  webhookOf(await again({ range: { first: sequences[0] ?? '', last: sequences.at(-1) ?? '' } }));
  await copies(3);
  await until(
    'the range is done',
    async () => !webhookOf(await client.call(GET, { webhook_id })).is_redelivering,
  );
  webhookOf(await again({ since }));
  await copies(4);
  assert.equal((await again({ deliveries: { delivery_ids: [NO_ID] } })).reason, 'DELIVERY_NOT_FOUND');
  assert.deepEqual((await again({ range: { first: '2', last: '1' } })).fields, ['range.last']);
  assert.deepEqual((await again({ since: '2020-01-01T00:00:00Z' })).fields, ['since']);
  await unhook(hook);
});

onEachWay('addresses and types that are not allowed', async (client) => {
  for (const url of [
    'http://10.0.0.1/',
    'https://169.254.169.254/',
    'ftp://example.com/',
    'https://a:b@example.com/',
    'x',
  ])
    assert.deepEqual((await client.call(CREATE, { url })).fields, ['url'], url);
  const types = await client.call(CREATE, {
    url: 'https://example.com/',
    types: ['transfer.posted', 'nothing'],
  });
  assert.deepEqual([types.reason, types.fields], ['INVALID_FIELD', ['types[1]']]);
  const one = await hooked(client);
  assert.equal((await client.call(CREATE, { url: one.url })).reason, 'WEBHOOK_EXISTS');
  await unhook(one);
});

test('a webhook belongs to its key and to those that replace it; others do not see it', async () => {
  const hook = await hooked(stack.grpc);
  const { webhook_id = '' } = hook;
  const stranger = grpcClient(stack.grpcAddress, await makeKey(stack.database));
  await until('the server knows the key', async () => (await stranger.call(LIST, {})).status === 0);
  for (const [rpc, more] of Object.entries({
    [GET]: {},
    [UPDATE]: { is_paused: true },
    [DELETE]: {},
    [ROTATE]: {},
    [DELIVERIES]: {},
    [REDELIVER]: { range: { first: '1', last: '1' } },
    [TEST_EVENT]: {},
  }))
    assert.equal((await stranger.call(rpc, { webhook_id, ...more })).reason, 'WEBHOOK_NOT_FOUND', rpc);
  assert.deepEqual((await stranger.call(LIST, {})).list('webhooks'), []);
  stranger.close();
  await unhook(hook);
});

test('a webhook goes on with the key that replaces its own, and ends with the last of them', async () => {
  const admin = (rpc: string, request: Json) => stack.grpc.call(`admin.v1.ApiKeyService/${rpc}`, request);
  const key = await makeKey(stack.database);
  const first = grpcClient(stack.grpcAddress, key);
  await until('the server knows the key', async () => (await first.call(LIST, {})).status === 0);
  const hook = await hooked(first);
  const rotated = await admin('RotateApiKey', { key_id: key.keyId, overlap: '0s' });
  const key_id = String(rotated.at('api_key', 'key_id'));
  const second = grpcClient(stack.grpcAddress, hmacKey(key_id, String(rotated.body.secret)));
  assert.equal((await second.call(LIST, {})).list('webhooks').length, 1);
  await arrived(hook, await pay(1));
  assert.equal((await admin('RevokeApiKey', { key_id })).status, 0);
  await until('no worker holds it', async () => {
    const text = 'SELECT lease_until < clock_timestamp() AS is_free FROM webhooks WHERE id = $1';
    return (await stack.db.query(text, [hook.webhook_id])).rows[0].is_free === true;
  });
  const seen = hook.received.length;
  const other = await hooked(stack.grpc);
  await arrived(other, await pay(1));
  assert.equal(hook.received.length, seen);
  for (const client of [first, second]) client.close();
  hook[Symbol.dispose]();
  await unhook(other);
});

test('more than a worker reads at a time are sent to the last one', async () => {
  const hook = await hooked(stack.grpc, { types: ['wallet.closed'] });
  const { webhook_id = '' } = hook;
  const count = 2_100;
  await stack.db.query(
    `INSERT INTO webhook_deliveries (id, webhook_id, event_id, type)
     SELECT gen_random_uuid(), $1, gen_random_uuid()::text, 'webhook.test' FROM generate_series(1, $2)`,
    [webhook_id, count],
  );
  await stack.grpc.call(TEST_EVENT, { webhook_id });
  await until(
    'all are delivered',
    async () => {
      const { rows } = await stack.db.query(
        'SELECT count(*) FILTER (WHERE delivered_at IS NULL)::integer AS left FROM webhook_deliveries WHERE webhook_id = $1',
        [webhook_id],
      );
      return rows[0]?.left === 0;
    },
    PATIENCE_MS,
  );
  assert.ok(new Set(hook.received.map(({ event }) => event.id)).size >= count);
  await unhook(hook);
});

test('a receiver that is gone pauses its webhook at once', async () => {
  const hook = await hooked(stack.grpc, {}, () => 410);
  const { webhook_id = '' } = hook;
  await stack.grpc.call(TEST_EVENT, { webhook_id });
  const paused = await until('it is paused', async () => {
    const shown = webhookOf(await stack.grpc.call(GET, { webhook_id }));
    return shown.state === 'WEBHOOK_STATE_PAUSED' && shown;
  });
  assert.equal(paused.pause_reason, 'WEBHOOK_PAUSE_REASON_GONE');
  const { rows } = await stack.db.query(`SELECT data FROM announcements WHERE subject = $1`, [
    `webhooks/${webhook_id}`,
  ]);
  assert.deepEqual(rows, [{ data: { webhook_id, reason: 'gone' } }]);
  await unhook(hook);
});

test('a webhook that was paused for longer than events are kept goes on after them, and says so', async () => {
  const hook = await hooked(stack.grpc);
  const { webhook_id = '' } = hook;
  const paused = webhookOf(await stack.grpc.call(UPDATE, { webhook_id, is_paused: true }));
  const lost = await pay(2);
  await until('all is sealed', async () => {
    const { rows } = await stack.db.query('SELECT oldest_unsealed() IS NULL AS is_sealed');
    return rows[0].is_sealed === true;
  });
  const { rows } = await stack.db.query(
    'UPDATE feed_state SET purged_through = (SELECT last_sequence FROM feed_end) RETURNING purged_through',
  );
  const last = String(rows[0].purged_through);
  const kept = await pay(2);
  assert.equal((await stack.grpc.call(RESUME, { webhook_id })).status, 0);
  await arrived(hook, kept);
  const told = await until('it is told', () =>
    hook.received.find(({ event }) => event.type === 'webhook.events_expired'),
  );
  const first = String(Number(paused.last_sequence) + 1);
  const { subject, data } = JSON.parse(told.body);
  assert.equal(subject, `webhooks/${webhook_id}`);
  assert.deepEqual(data, { webhook_id, first_sequence: first, last_sequence: last });
  assert.deepEqual(orderOf(hook, [...lost, ...kept]), kept);
  const shown = webhookOf(await stack.grpc.call(GET, { webhook_id }));
  assert.deepEqual([shown.expired_first_sequence, shown.expired_last_sequence], [first, last]);
  const range = { first: last, last };
  assert.deepEqual((await stack.grpc.call(REDELIVER, { webhook_id, range })).fields, ['range.first']);
  await unhook(hook);
  assert.equal((await stack.grpc.call(RESUME, { webhook_id })).reason, 'WEBHOOK_NOT_FOUND');
});

test('an event that the feed has no more before it is taken ends as expired', async () => {
  const hook = await hooked(stack.grpc, { types: ['wallet.closed'] }, () => 500);
  const { webhook_id = '' } = hook;
  await stack.db.query(
    `INSERT INTO announcements (occurred_at, type, subject, user_ids, data)
     VALUES (now() - interval '32 days', 'wallet.closed', 'wallets/old', '{}', '{}')`,
  );
  const listed = (state: string) =>
    until(`a delivery is ${state}`, async () => {
      const request = { webhook_id, state: `DELIVERY_STATE_${state}` };
      return (await stack.grpc.call(DELIVERIES, request)).list('deliveries')[0];
    });
  await listed('RETRYING');
  await deliveries[Symbol.asyncDispose]();
  await stack.db.query(`DELETE FROM announcements WHERE subject = 'wallets/old'`);
  deliveries = startDeliveries(stack.database);
  const expired = await listed('EXPIRED');
  assert.deepEqual([expired.delivered_at ?? null, expired.next_attempt_at ?? null], [null, null]);
  assert.equal((expired.attempts as Json[]).at(-1)?.error, 'EVENT_EXPIRED');
  await unhook(hook);
});
