// Events over gRPC and REST: listed, streamed, and refused, in the order in which everything happened.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Connection, connect, type Json } from '../../clients/typescript/src/connection.ts';
import type { PpuriError } from '../../clients/typescript/src/error.ts';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import { readEntries } from '../../src/db/feed/entries.ts';
import { toEvent } from '../../src/db/feed/events.ts';
import { readFeedEnd, sealFeed } from '../../src/db/feed/index.ts';
import type { Pool } from '../../src/db/pool.ts';
import { toCloudEvent } from '../../src/domain/cloud-event.ts';
import { createSealer } from '../../src/worker/feed/index.ts';
import { actingAs, expectRefusal, uniqueUsers, withKey, won } from '../api.ts';
import { type ApiClient, grpcClient } from '../api-client.ts';
import { makeKey } from '../keys.ts';
import { withoutEdge } from '../skip.ts';
import { makeDatabase, type Stack, startStack } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';
import { until } from '../until.ts';

const LIST = 'wallet.v2.EventService/ListEvents';
const STREAM = 'wallet.v2.EventService/StreamEvents';
const [ANNA = 0, BO = 0] = uniqueUsers(2);
const ROOM = 'room-of-events';
/** Everything that happened, and in which order. */
const HAPPENED = [
  ...['transfer.posted', 'transfer.posted'],
  ...['transfer.posted', 'sprinkle.created', 'transfer.posted', 'sprinkle.claimed', 'sprinkle.emptied'],
  ...['transfer.posted', 'hold.created', 'transfer.posted', 'hold.captured'],
  ...['transfer.posted', 'gift.created', 'transfer.posted', 'gift.declined'],
  ...['wallet.frozen', 'wallet.unfrozen', 'limit.reached', 'limit.reached', 'wallet.closed'],
];

let stack: Stack;
let client: Connection;
let worker: Pool;
let payer: ApiClient;

before(async () => {
  const database = await makeDatabase();
  const withoutScope = await makeKey(database, { scopes: ['read', 'pay'] });
  stack = await startStack({ edge: !withoutEdge, database });
  worker = createTestPool(stack.database.workerUrl);
  client = connect(stack.grpcAddress, stack.key, { retry: false });
  await stack.addUsers([ANNA, BO]);
  await stack.addRoom(ROOM, [ANNA, BO]);
  await happen();
  payer = grpcClient(stack.grpcAddress, withoutScope);
});
after(async () => {
  payer.close();
  client.close();
  await worker.end();
  await stack.stop();
});

/** Makes everything happen, and seals after each step, as a worker does that has nothing else to do. */
async function happen(): Promise<void> {
  const done = async (user: number, rpc: string, request: Json, room?: string): Promise<Json> => {
    const { body, reason } = await stack.grpc.call(rpc, request, { ...withKey(user), roomId: room });
    assert.equal(reason, '', rpc);
    await sealFeed(worker);
    return body;
  };
  const idIn = (answer: Json, thing: string) => String((answer[thing] as Json)[`${thing}_id`]);
  await stack.fund([ANNA], 10_000);
  await stack.as(ANNA).pay(BO, 100);
  await sealFeed(worker);
  const sprinkle = await done(
    ANNA,
    'wallet.v1.SprinkleService/CreateSprinkle',
    { amount: 500, headcount: 1 },
    ROOM,
  );
  await done(BO, 'wallet.v1.SprinkleService/ClaimSprinkle', { token: String(sprinkle.token) }, ROOM);
  const wallet_id = await stack.as(ANNA).defaultWallet();
  const toBo = { credit_user_id: String(BO), amount: won(300) };
  const hold = await done(ANNA, 'wallet.v2.HoldService/CreateHold', { wallet_id, ...toBo, reason: 'a book' });
  await done(BO, 'wallet.v2.HoldService/CaptureHold', { hold_id: idIn(hold, 'hold') });
  const gift = await done(ANNA, 'wallet.v2.GiftService/CreateGift', toBo);
  await done(BO, 'wallet.v2.GiftService/DeclineGift', { gift_id: idIn(gift, 'gift') });
  const frozen = ['wallet', wallet_id, 'out', 'case 1'] as const;
  await stack.db.query(
    `SELECT freeze_wallets($1, NULL, $2, now() + interval '1 hour', $3, 'a test', 'key')`,
    frozen.slice(1),
  );
  await stack.db.query('SELECT lift_freeze($1, NULL, $2, $3)', [wallet_id, 'case 1', 'key']);
  for (const [kind, resetsAt] of [
    ['month_out', '1800000000000000'],
    ['day_count', null],
  ]) {
    await stack.db.query(`SELECT announce_reached_limits('{7}', '{KRW}', $1, '{500}', '{1}', $2)`, [
      [kind],
      [resetsAt],
    ]);
  }
  const second = await done(ANNA, 'wallet.v2.WalletService/CreateWallet', {
    currency_code: 'KRW',
    display_name: 'second',
  });
  await done(ANNA, 'wallet.v2.WalletService/CloseWallet', { wallet_id: idIn(second, 'wallet') });
}

async function listAll(api: ApiClient, request: Json, after_cursor = ''): Promise<Json[]> {
  const { body } = await api.call(LIST, { ...request, after_cursor });
  const events = body.events as Json[];
  const next = String(body.next_cursor);
  return next === after_cursor ? events : [...events, ...(await listAll(api, request, next))];
}

const typesOf = (events: readonly Json[]) => events.map(({ type }) => type);

const ways = [
  { over: 'gRPC', api: () => stack.grpc },
  ...(withoutEdge ? [] : [{ over: 'REST', api: () => stack.rest }]),
];

for (const { over, api } of ways) {
  test(`everything that happened is listed in its order, page by page, over ${over}`, async () => {
    const events = await listAll(api(), { page_size: 4 });
    assert.deepEqual(typesOf(events), HAPPENED);
    assert.deepEqual(
      events.map(({ sequence }) => sequence),
      HAPPENED.map((_, index) => String(index + 1)),
    );
    assert.deepEqual(await listAll(api(), { page_size: 100 }), events);
    assert.deepEqual(await listAll(api(), { page_size: 5 }, String(events[6]?.cursor)), events.slice(7));
    const wanted = ['sprinkle.claimed', 'wallet.frozen', 'wallet.closed'];
    assert.deepEqual(typesOf(await listAll(api(), { types: wanted, page_size: 1 })), wanted);
    const posted = await listAll(api(), { types: ['transfer.posted', 'gift.declined'], page_size: 3 });
    assert.deepEqual(
      posted,
      events.filter(({ type }) => type === 'transfer.posted' || type === 'gift.declined'),
    );
    const latest = await api().call(LIST, { after_cursor: 'latest' });
    assert.deepEqual(latest.body.events, []);
    assert.equal(latest.body.next_cursor, events.at(-1)?.cursor);
  });

  test(`cursors and types that mean nothing are refused, and the field is named, over ${over}`, async () => {
    const bad = ['x', 'Latest', 'A'.repeat(27), `${'A'.repeat(26)}B`, '한글', 'A'.repeat(64)];
    for (const after_cursor of bad) {
      const { code, fields, reason } = await api().call(LIST, { after_cursor });
      const isOfAnotherFeed = reason === 'FEED_RESTARTED';
      assert.deepEqual([code, fields], [isOfAnotherFeed ? 'ERR006' : 'ERR001', ['after_cursor']]);
      assert.equal(isOfAnotherFeed, after_cursor === 'A'.repeat(27), after_cursor);
    }
    expectRefusal(await api().call(LIST, { after_cursor: 'A'.repeat(65) }), 'ERR001', 'INVALID_FIELD', [
      'after_cursor',
    ]);
    const types = ['transfer.posted', 'transfer.lost'];
    expectRefusal(await api().call(LIST, { types }), 'ERR001', 'INVALID_FIELD', ['types[1]']);
    expectRefusal(await api().call(LIST, { page_size: 101 }), 'ERR001', 'INVALID_FIELD', ['page_size']);
    expectRefusal(await api().call(STREAM, { after_cursor: 'x' }), 'ERR001', 'INVALID_FIELD', [
      'after_cursor',
    ]);
  });
}

test('the JSON that webhooks send has the data that the contract prints', {
  skip: withoutEdge,
}, async () => {
  const { epoch } = await readFeedEnd(worker);
  const entries = await readEntries({ reads: worker, archive: undefined }, 0n, 100);
  const listed = await listAll(stack.rest, { page_size: 100 });
  for (const [index, entry] of entries.entries()) {
    const event = toEvent(epoch, entry);
    const cloud = toCloudEvent(event);
    const { type = '', ...rest } = listed[index] ?? {};
    const [family = ''] = String(type).split('.');
    assert.deepEqual([cloud.specversion, cloud.id, cloud.type], ['1.0', rest.event_id, type]);
    assert.deepEqual([cloud.time, cloud.cursor], [rest.occurred_at, rest.cursor]);
    assert.deepEqual(cloud.data, rest[family]);
  }
});

test('only keys with the scope events read the feed', async () => {
  expectRefusal(await payer.call(LIST, {}), 'ERR004', 'MISSING_SCOPE');
  expectRefusal(await payer.call(STREAM, {}, actingAs(ANNA)), 'ERR004', 'MISSING_SCOPE');
});

/** The first messages of a stream over REST, as text; `count` are read. */
async function readStream(target: string, headers: Record<string, string>, count: number) {
  const signed = signedHeaders({ method: 'GET', target, body: Buffer.alloc(0) }, {}, stack.key);
  const leaving = new AbortController();
  const response = await fetch(`${stack.restUrl}${target}`, {
    headers: { ...signed, ...headers },
    signal: leaving.signal,
  });
  const end = headers.accept === undefined ? '\n' : '\n\n';
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (text.split(end).length > count) break;
  }
  leaving.abort();
  return { status: response.status, messages: text.split(end).slice(0, count) };
}

test('over REST a stream is lines of JSON, or server-sent events that go on behind Last-Event-ID', {
  skip: withoutEdge,
}, async () => {
  const target = '/api/v2/events:stream';
  const lines = await readStream(target, {}, HAPPENED.length);
  const listed = await listAll(stack.rest, { page_size: 100 });
  assert.deepEqual(
    lines.messages.map((line) => JSON.parse(line)),
    listed,
  );
  const accept = 'text/event-stream';
  const last = { accept, 'last-event-id': String(listed[4]?.cursor) };
  const { messages } = await readStream(`${target}?after_cursor=latest`, last, 3);
  assert.deepEqual(
    messages,
    lines.messages.slice(5, 8).map((line) => `id: ${JSON.parse(line).cursor}\ndata: ${line}`),
  );
  const refused = await readStream(target, { accept, 'last-event-id': 'x' }, 1);
  assert.equal(refused.status, 400);
  assert.match(refused.messages.join(), /last-event-id/);
});

test('a stream tells what happened, then what happens, and ends with FEED_RESTARTED after a restore', async () => {
  const observer = { trouble: (_what: string, error: unknown) => assert.fail(String(error)) };
  await using _sealer = createSealer({ pool: worker, observer });
  const told: Json[] = [];
  let failure: PpuriError | undefined;
  const read = async () => {
    for await (const event of client.stream(STREAM, {}, {})) told.push(event);
  };
  const reading = read().catch((error: PpuriError) => {
    failure = error;
  });
  await until('what happened is told', () => told.length === HAPPENED.length);
  await stack.as(ANNA).pay(BO, 7);
  await until('what happens is told', () => told.length === HAPPENED.length + 1);
  assert.deepEqual(typesOf(told), [...HAPPENED, 'transfer.posted']);
  const cursor = String(told.at(-1)?.cursor);
  await stack.db.query(`UPDATE feed_state SET epoch = '0123456789abcdef'`);
  await reading;
  assert.equal(failure?.reason, 'FEED_RESTARTED');
  for (const { api } of ways) {
    const refused = await api().call(LIST, { after_cursor: cursor });
    expectRefusal(refused, 'ERR006', 'FEED_RESTARTED', ['after_cursor']);
  }
  const [first] = await listAll(stack.grpc, { page_size: 100 });
  await stack.db.query('UPDATE feed_state SET purged_through = 3');
  for (const rpc of [LIST, STREAM]) {
    const refused = await stack.grpc.call(rpc, { after_cursor: String(first?.cursor) });
    expectRefusal(refused, 'ERR006', 'CURSOR_EXPIRED', ['after_cursor']);
  }
  assert.equal((await listAll(stack.grpc, { page_size: 100 }))[0]?.sequence, '4');
});
