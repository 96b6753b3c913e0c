// How much of what anybody can make a user may have: refused by name, exact however many ask at the same moment.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Stack, startStack } from '../stack.ts';
import type { Answer, Json } from '../teller.ts';

const [ANNA, FIRST, COUNT] = [9801, 9810, 12];
const OTHERS = Array.from({ length: COUNT }, (_, index) => FIRST + index);
const MOST = 5;
let stack: Stack;
before(async () => {
  stack = await startStack({
    env: {
      MAX_WALLETS_PER_USER: String(MOST),
      MAX_PAYOUT_DRAFTS_PER_USER: String(MOST),
      MAX_ROOMS_PER_USER: String(MOST),
      MAX_MEMBERS_PER_ROOM: String(MOST),
      MAX_FRIENDS_PER_USER: String(MOST),
    },
  });
  await stack.addUsers([ANNA, ...OTHERS]);
});
after(() => stack.stop());

const tell = (rpc: string, request: Json, user = ANNA) =>
  stack.grpc.tell(rpc, request, { userId: String(user), idempotencyKey: crypto.randomUUID() });

/** Asks for all at the same moment, and sees that exactly so many were made, and the others refused by name. */
async function assertMost(made: number, calls: (() => Promise<Answer>)[]): Promise<void> {
  const answers = await Promise.all(calls.map((call) => call()));
  const refused = answers.filter(({ status }) => status !== 0);
  assert.deepEqual(
    [...new Set(refused.map(({ code, reason }) => `${code} ${reason}`))],
    ['ERR006 QUOTA_EXCEEDED'],
  );
  assert.equal(answers.length - refused.length, made);
}

test('rooms that a user owns', async () => {
  const create = (id: number) => () =>
    tell('wallet.v2.RoomService/CreateRoom', { room_id: `quota-${id}`, display_name: 'Room' });
  await assertMost(
    MOST,
    OTHERS.map((id) => create(id)),
  );
  assert.equal(
    (await tell('wallet.v2.RoomService/CreateRoom', { room_id: 'of-another', display_name: 'R' }, FIRST))
      .status,
    0,
  );
});

test('members of a room, the owner among them', async () => {
  const add = (id: number) => () =>
    tell('wallet.v2.RoomService/AddMember', { room_id: 'of-another', user_id: id }, FIRST);
  await assertMost(
    MOST - 1,
    OTHERS.slice(1).map((id) => add(id)),
  );
});

test('friends and requests that a user sent', async () => {
  const add = (id: number) => () =>
    tell('wallet.v2.UserService/AddFriend', { user_id: ANNA, friend_user_id: id });
  await assertMost(
    MOST,
    OTHERS.map((id) => add(id)),
  );
  const { rows } = await stack.db.query('SELECT to_user_id FROM friend_requests WHERE from_user_id = $1', [
    ANNA,
  ]);
  const [asked] = rows;
  const accepted = await tell(
    'wallet.v2.UserService/AddFriend',
    { user_id: asked.to_user_id, friend_user_id: ANNA },
    Number(asked.to_user_id),
  );
  assert.equal(accepted.body.state, 'FRIENDSHIP_STATE_FRIENDS');
});
