// No call is done twice, by any process, also after Redis was emptied.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fromJson, toBinary } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { Redis } from 'ioredis';
import { RPCS, registry } from '../../clients/typescript/src/contracts.ts';
import { PpuriError } from '../../clients/typescript/src/error.ts';
import { signedHeaders } from '../../clients/typescript/src/headers.ts';
import { CONTRACTS } from '../../src/grpc/contracts.ts';
import { createServerProgram, type ServerProgram } from '../../src/server/compose.ts';
import { actingAs, withKey } from '../api.ts';
import type { Json } from '../api-client.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { type Stack, startStack } from '../stack.ts';

const [ANNA, BO, CHO] = [9731, 9732, 9733];
const ROOM = 'room-9730';
let own: OwnRedis | undefined;
let stack: Stack;
let second: ServerProgram;
let clients: readonly Client[];
let payout: string;

before(async () => {
  own = withoutRedis ? undefined : await startOwnRedis();
  stack = await startStack({ env: own ? { REDIS_URL: own.url } : {} });
  second = await createServerProgram(stack.config);
  clients = [stack.app, second].map(
    ({ grpcPort }) => new Client(`127.0.0.1:${grpcPort}`, credentials.createInsecure()),
  );
  await stack.addUsers([ANNA, BO, CHO]);
  await stack.addRoom(ROOM, [ANNA]);
  const { rows } = await stack.db.query('SELECT id FROM accounts WHERE owner_user_id = $1', [ANNA]);
  const made = await stack.grpc.call(
    'wallet.v2.PayoutService/CreatePayout',
    { wallet_id: rows[0].id, mode: 'PAYOUT_MODE_EACH' },
    withKey(ANNA),
  );
  payout = String(made.at('payout', 'payout_id'));
});
after(async () => {
  for (const client of clients) client.close();
  await second.stop();
  await stack.stop();
  await own?.stop();
});

/** A call as it goes over the wire, signed once; it can be sent as often as one likes. */
function capture(rpc: string, request: Json): (client: Client | undefined) => Promise<string> {
  const method = RPCS.get(rpc);
  if (!method) throw new Error(`there is no ${rpc}`);
  const body = Buffer.from(toBinary(method.input, fromJson(method.input, request, { registry })));
  const target = `/${rpc}`;
  const identity = CONTRACTS.get(target)?.rules.actingUser ? actingAs(ANNA) : {};
  const headers = signedHeaders({ method: 'POST', target, body }, identity, stack.key);
  const asIs = (bytes: Buffer) => bytes;
  return (client) =>
    new Promise((resolve) => {
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      const options = { deadline: Date.now() + 30_000 };
      client?.makeUnaryRequest(target, asIs, asIs, body, metadata, options, (error) =>
        resolve(error ? PpuriError.ofGrpc(error).reason : 'OK'),
      );
    });
}

async function forget(): Promise<void> {
  if (!own) return;
  const redis = new Redis(own.url);
  await redis.flushall();
  redis.disconnect();
}

const USER = { user_id: String(ANNA) };
/** Every call that changes something and has no idempotency key. */
const CALLS: Record<string, () => Json> = {
  'wallet.v2.UserService/CreateUser': () => ({ user_id: '9739', display_name: 'New' }),
  'wallet.v2.UserService/UpdateUser': () => ({ ...USER, display_name: 'Other' }),
  'wallet.v2.UserService/AddFriend': () => ({ ...USER, friend_user_id: String(BO) }),
  'wallet.v2.UserService/RemoveFriend': () => ({ ...USER, friend_user_id: String(BO) }),
  'wallet.v2.RoomService/CreateRoom': () => ({ room_id: 'room-9731', display_name: 'New' }),
  'wallet.v2.RoomService/UpdateRoom': () => ({ room_id: ROOM, display_name: 'Other' }),
  'wallet.v2.RoomService/AddMember': () => ({ room_id: ROOM, user_id: String(CHO) }),
  'wallet.v2.RoomService/RemoveMember': () => ({ room_id: ROOM, user_id: String(CHO) }),
  'wallet.v2.PayoutService/AddPayoutLines': () => ({
    payout_id: payout,
    first_line: 1,
    lines: [{ user_id: String(BO), amount: { currency_code: 'KRW', minor_units: '1' } }],
  }),
  'admin.v1.ApiKeyService/CreateApiKey': () => ({
    display_name: 'a key',
    kind: 'API_KEY_KIND_HMAC_SHA256',
    scopes: ['SCOPE_READ'],
  }),
};

test('each call is answered once; a replay is refused after Redis was emptied, by another process too', async () => {
  for (const [rpc, request] of Object.entries(CALLS)) {
    const call = capture(rpc, request());
    assert.equal(await call(clients[0]), 'OK', rpc);
    assert.equal(await call(clients[0]), 'NONCE_REUSED', rpc);
    await forget();
    assert.equal(await call(clients[1]), 'NONCE_REUSED', rpc);
  }
  const { rows } = await stack.db.query(
    `SELECT count(*)::int AS made FROM api_keys WHERE display_name = 'a key'`,
  );
  assert.equal(rows[0].made, 1);
});

test('sent to two processes at once, a call is done by one of them', {
  skip: withoutRedis,
}, async () => {
  const call = capture('admin.v1.ApiKeyService/CreateApiKey', {
    ...CALLS['admin.v1.ApiKeyService/CreateApiKey']?.(),
    display_name: 'at once',
  });
  own?.freeze();
  try {
    const answers = await Promise.all(clients.map(call));
    assert.deepEqual(answers.sort(), ['NONCE_REUSED', 'OK']);
  } finally {
    own?.thaw();
  }
});

test('which calls store their nonce in Postgres', () => {
  const spent = [...CONTRACTS]
    .filter(([, { rules }]) => rules.needsNonceRecord)
    .map(([path]) => path.slice(1));
  const others = [
    'admin.v1.ApiKeyService/RotateApiKey',
    'admin.v1.ApiKeyService/RevokeApiKey',
    'admin.v1.ApiKeyService/SetAllowedNetworks',
    'admin.v1.JobService/RunJob',
    'admin.v1.JobService/PauseJob',
    'admin.v1.JobService/ResumeJob',
    'admin.v1.JobService/ReplayDeadLetters',
  ];
  for (const rpc of [...Object.keys(CALLS), ...others]) assert.ok(spent.includes(rpc), rpc);
  for (const [path, { rules }] of CONTRACTS) {
    const isSafe = RPCS.get(path.slice(1))?.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
    if (isSafe || rules.idempotencyKey) assert.ok(!rules.needsNonceRecord, path);
    else assert.ok(rules.needsNonceRecord, path);
  }
});

test('a retry by the edge passes once more, another request does not; used nonces are deleted when they expire', async () => {
  const use = async (nonce: string, request: string) =>
    (await stack.db.query('SELECT use_nonce($1, $2, $3, 120000) AS is_new', ['key', nonce, request])).rows[0]
      .is_new;
  assert.deepEqual(
    [
      await use('n1', 'r1'),
      await use('n1', 'r1'),
      await use('n1', 'r2'),
      await use('n2', ''),
      await use('n2', ''),
    ],
    [true, true, false, true, false],
  );
  await stack.db.query(`UPDATE used_nonces SET until = now() - interval '1 second' WHERE nonce = 'n1'`);
  const { rows } = await stack.db.query('SELECT purge_nonces(1000) AS gone');
  assert.equal(rows[0].gone, 1);
});
