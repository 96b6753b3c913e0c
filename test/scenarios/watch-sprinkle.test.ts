// The stream of a sprinkle as members of its room see it: its state, each claim once, and an end.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Connection, connect, type Json } from '../../clients/typescript/src/connection.ts';
import type { PpuriError } from '../../clients/typescript/src/error.ts';
import type { SprinkleMark } from '../../src/repositories/index.ts';
import type { Core } from '../../src/usecases/index.ts';
import { watchSprinkle } from '../../src/usecases/queries/watch-sprinkle.ts';
import { actingAs, uniqueUsers, withKey, won } from '../api.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { expectRefusedStream } from './event-stream.ts';

const SERVICE = 'wallet.v2.SprinkleService';
const WATCH = 'wallet.v2.SprinkleService/WatchSprinkle';
const ROOM = 'room-of-watchers';
const OTHER_ROOM = 'room-of-others';
const [ANNA = 0, BO = 0, CHO = 0, DAN = 0] = uniqueUsers(4);

let stack: Stack;
let client: Connection;
before(async () => {
  stack = await startStack({ edge: !withoutEdge });
  client = connect(stack.grpcAddress, stack.key, { retry: false });
  await stack.addUsers([ANNA, BO, CHO, DAN]);
  await stack.addRoom(ROOM, [ANNA, BO, CHO]);
  await stack.addRoom(OTHER_ROOM, [ANNA, BO]);
  await stack.fund([ANNA], 10_000);
});
after(async () => {
  client.close();
  await stack.stop();
});

async function call(rpc: string, user: number, request: Json): Promise<Json> {
  const answer = await stack.grpc.call(`${SERVICE}/${rpc}`, { room_id: ROOM, ...request }, withKey(user));
  assert.equal(answer.reason, '', rpc);
  return answer.body;
}

async function sprinkled(more: Json = {}): Promise<{ id: string; token: string }> {
  const wallet_id = await stack.as(ANNA).defaultWallet();
  const wish = { wallet_id, amount: won(1000), headcount: 2, ...more };
  const { sprinkle } = await call('CreateSprinkle', ANNA, wish);
  const { sprinkle_id, token } = sprinkle as Json;
  return { id: String(sprinkle_id), token: String(token) };
}

/** Watches a sprinkle: what was told so far, and how it ended. */
function watch(user: number, sprinkle_id: string) {
  const told: Json[] = [];
  const read = async () => {
    const request = { room_id: ROOM, sprinkle_id };
    for await (const { sprinkle } of client.stream(WATCH, request, actingAs(user)))
      told.push(sprinkle as Json);
  };
  const ended: Promise<PpuriError | 'OK'> = read().then(
    () => 'OK',
    (error) => error as PpuriError,
  );
  return { told, ended };
}

const claimersIn = ({ claims }: Json) => (claims as Json[]).map(({ user_id }) => Number(user_id));

test('members are told each claim once, and the stream ends with the last one', async () => {
  const { id, token } = await sprinkled();
  const [creator, member] = [watch(ANNA, id), watch(BO, id)];
  await until('both have begun', () => creator.told.length === 1 && member.told.length === 1);
  await call('ClaimSprinkle', BO, { token });
  await until('the claim is told', () => creator.told.length === 2 && member.told.length === 2);
  await call('ClaimSprinkle', CHO, { token });
  assert.deepEqual(await Promise.all([creator.ended, member.ended]), ['OK', 'OK']);
  for (const { told } of [creator, member]) {
    assert.deepEqual(told.map(claimersIn), [[], [BO], [CHO]]);
    assert.deepEqual(
      told.map(({ state, claimed_count }) => [state, claimed_count]),
      [
        ['SPRINKLE_STATE_LIVE', 0],
        ['SPRINKLE_STATE_LIVE', 1],
        ['SPRINKLE_STATE_EMPTY', 2],
      ],
    );
  }
  const again = watch(CHO, id);
  assert.equal(await again.ended, 'OK');
  assert.deepEqual(again.told.map(claimersIn), [[BO, CHO]]);
});

test('what is hidden in GetSprinkle is hidden in the stream, and a cancelled sprinkle ends it', async () => {
  const { id, token } = await sprinkled({ hide_amounts: true });
  const [creator, member] = [watch(ANNA, id), watch(BO, id)];
  await until('both have begun', () => creator.told.length === 1 && member.told.length === 1);
  await call('ClaimSprinkle', CHO, { token });
  await until('the claim is told', () => creator.told.length === 2 && member.told.length === 2);
  await call('CancelSprinkle', ANNA, { sprinkle_id: id });
  assert.deepEqual(await Promise.all([creator.ended, member.ended]), ['OK', 'OK']);
  assert.deepEqual(creator.told.map(claimersIn), [[], [CHO], []]);
  assert.deepEqual(member.told.map(claimersIn), [[], [], []]);
  assert.equal(member.told.at(-1)?.state, 'SPRINKLE_STATE_CANCELLED');
});

test('the stream is refused like GetSprinkle, and ends when the user leaves the room', async () => {
  const { id, token } = await sprinkled();
  const bad = (reason: string, field: string, user: number, request: Json) =>
    expectRefusedStream(stack, { rpc: WATCH, request, user: actingAs(user), reason, field });
  await bad('SPRINKLE_NOT_FOUND', 'sprinkle_id', DAN, { room_id: ROOM, sprinkle_id: id });
  await bad('SPRINKLE_NOT_FOUND', 'sprinkle_id', BO, { room_id: ROOM, sprinkle_id: crypto.randomUUID() });
  await bad('SPRINKLE_NOT_FOUND', 'sprinkle_id', BO, { room_id: OTHER_ROOM, sprinkle_id: id });
  await bad('SPRINKLE_NOT_FOUND', 'sprinkle_id', BO, { room_id: 'no-such-room', sprinkle_id: id });
  await bad('INVALID_FIELD', 'sprinkle_id', BO, { room_id: ROOM, sprinkle_id: 'x' });
  await bad('INVALID_FIELD', 'room_id', BO, { room_id: 'no room', sprinkle_id: id });
  const leaving = watch(BO, id);
  await until('it has begun', () => leaving.told.length === 1);
  const left = await stack.grpc.call(
    'wallet.v2.RoomService/RemoveMember',
    { room_id: ROOM, user_id: String(BO) },
    withKey(BO),
  );
  assert.equal(left.reason, '');
  await call('ClaimSprinkle', CHO, { token });
  assert.equal(((await leaving.ended) as PpuriError).reason, 'SPRINKLE_NOT_FOUND');
});

test('a sprinkle whose time is over is told once no claim of it can be on its way', async () => {
  const marks: SprinkleMark[] = [
    { claimedCount: 0, isFinal: false },
    { claimedCount: 1, isFinal: false },
    { claimedCount: 1, isFinal: true },
  ];
  let mark = marks[0];
  const core = {
    limits: { sprinkleLookupMs: 1000 },
    rooms: { findMember: async () => ({}) },
    sprinkles: {
      nextMark: async () => {
        mark = marks.shift();
        return mark;
      },
      findById: async () => ({
        sprinkle: { claimedCount: mark?.claimedCount, headcount: 2, createdAt: 0, expiresAt: 5 },
        at: 6,
        claims: Array.from({ length: mark?.claimedCount ?? 0 }),
      }),
    },
  } as unknown as Core;
  const told = [];
  for await (const { claims } of watchSprinkle(core, 1n, ROOM, 'id', new AbortController().signal))
    told.push(claims.length);
  assert.deepEqual([told, marks], [[1], []]);
});
