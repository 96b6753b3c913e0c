// Users, friends, rooms and members: written by v2, read by both versions, over gRPC and over REST.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { actingAs, expectRefusal, uniqueUsers } from '../api.ts';
import type { Answer, ApiClient } from '../api-client.ts';
import { type Stack, startStack } from '../stack.ts';

let stack: Stack;
before(async () => {
  stack = await startStack({ edge: true });
});
after(() => stack.stop());

const ways = [
  { over: 'gRPC', client: () => stack.grpc },
  { over: 'REST', client: () => stack.rest },
] as const;

for (const { over, client } of ways) {
  const call = (...args: Parameters<ApiClient['call']>) => client().call(...args);

  /** Users of one test. */
  const createUsers = async () => {
    const [anna = 0, bo = 0, cho = 0] = uniqueUsers(3);
    for (const [user, display_name] of [
      [anna, '안나'],
      [bo, "Bo'; DROP TABLE users;--"],
      [cho, '<b>Cho</b>'],
    ] as const) {
      const made = await call('wallet.v2.UserService/CreateUser', { user_id: String(user), display_name });
      assert.equal(made.at('user', 'display_name'), display_name);
    }
    return { anna, bo, cho };
  };

  /** The same with a room that the first of them owns, and in which nobody else is. */
  const createRoom = async () => {
    const users = await createUsers();
    const room = `room-${users.anna}`;
    const request = { room_id: room, display_name: 'Our room' };
    const made = await call('wallet.v2.RoomService/CreateRoom', request, actingAs(users.anna));
    assert.equal(made.at('room', 'owner_user_id'), String(users.anna));
    return { ...users, room, request };
  };

  test(`a user is created with an empty wallet, once, over ${over}`, async () => {
    const { anna } = await createUsers();
    const again = await call('wallet.v2.UserService/CreateUser', {
      user_id: String(anna),
      display_name: 'Other',
    });
    expectRefusal(again, 'ERR006', 'USER_EXISTS', ['user_id']);
    // A repeated call, whose answer was lost.
    const repeated = await call('wallet.v2.UserService/CreateUser', {
      user_id: String(anna),
      display_name: '안나',
    });
    assert.equal(repeated.at('user', 'user_id'), String(anna));
    const wallets = (await call('wallet.v2.WalletService/ListWallets', {}, actingAs(anna))).list('wallets');
    assert.equal(wallets.length, 1);
    assert.deepEqual([wallets[0]?.currency_code, wallets[0]?.is_default], ['KRW', true]);
  });

  test(`both versions show profiles; an unknown user is named, over ${over}`, async () => {
    const { anna, bo } = await createUsers();
    for (const version of ['v1', 'v2'] as const) {
      const rpc = version === 'v1' ? 'wallet.v1.UserService/GetUser' : 'wallet.v2.UserService/GetUser';
      const seen = await call(rpc, { user_id: String(bo) }, actingAs(anna));
      assert.equal(seen.at('user', 'display_name'), "Bo'; DROP TABLE users;--");
      expectRefusal(await call(rpc, { user_id: '999999' }, actingAs(anna)), 'ERR005', 'USER_NOT_FOUND', [
        'user_id',
      ]);
    }
  });

  test(`a user renames itself and nobody else, over ${over}`, async () => {
    const { anna, bo } = await createUsers();
    const rename = { user_id: String(anna), display_name: 'Anna' };
    const renamed = await call('wallet.v2.UserService/UpdateUser', rename, actingAs(anna));
    assert.equal(renamed.at('user', 'display_name'), 'Anna');
    expectRefusal(await call('wallet.v2.UserService/UpdateUser', rename, actingAs(bo)), 'ERR004', 'NOT_SELF');
  });

  test(`friends are friends of each other, in pages, and nobody else sees them, over ${over}`, async () => {
    const { anna, bo, cho } = await createUsers();
    for (const friend of [bo, cho]) {
      const request = { user_id: String(anna), friend_user_id: String(friend) };
      const added = await call('wallet.v2.UserService/AddFriend', request, actingAs(anna));
      assert.equal(added.at('friend', 'user_id'), String(friend));
      assert.equal(added.body.state, 'FRIENDSHIP_STATE_REQUESTED');
      const answer = { user_id: String(friend), friend_user_id: String(anna) };
      const accepted = await call('wallet.v2.UserService/AddFriend', answer, actingAs(friend));
      assert.equal(accepted.body.state, 'FRIENDSHIP_STATE_FRIENDS');
    }
    for (const rpc of ['wallet.v1.UserService/ListFriends', 'wallet.v2.UserService/ListFriends']) {
      const page1 = await call(rpc, { user_id: String(anna), page_size: 1 }, actingAs(anna));
      const page_token = String(page1.body.next_page_token);
      const page2 = await call(rpc, { user_id: String(anna), page_size: 1, page_token }, actingAs(anna));
      const ids = [...page1.list('friends'), ...page2.list('friends')].map(({ user_id }) => user_id);
      assert.deepEqual(ids, [String(bo), String(cho)]);
      assert.equal(page2.body.next_page_token, '');
      const foreign = await call(rpc, { user_id: String(bo), page_token }, actingAs(bo));
      expectRefusal(foreign, 'ERR001', 'INVALID_PAGE_TOKEN', ['page_token']);
      expectRefusal(await call(rpc, { user_id: String(anna) }, actingAs(bo)), 'ERR004', 'NOT_SELF');
    }
    const ended = { user_id: String(bo), friend_user_id: String(anna) };
    assert.equal((await call('wallet.v2.UserService/RemoveFriend', ended, actingAs(bo))).status, 0);
    const left = await call('wallet.v2.UserService/ListFriends', { user_id: String(anna) }, actingAs(anna));
    assert.deepEqual(
      left.list('friends').map(({ user_id }) => user_id),
      [String(cho)],
    );
  });

  test(`a friendship takes both: asked is not a friend, both see it, either takes it back, over ${over}`, async () => {
    const [dan = 0, eva = 0] = uniqueUsers(2);
    await stack.addUsers([dan, eva]);
    const add = (who: number, whom: number) =>
      call(
        'wallet.v2.UserService/AddFriend',
        { user_id: String(who), friend_user_id: String(whom) },
        actingAs(who),
      );
    const remove = (who: number, whom: number) =>
      call(
        'wallet.v2.UserService/RemoveFriend',
        { user_id: String(who), friend_user_id: String(whom) },
        actingAs(who),
      );
    const friendsOf = async (who: number) => {
      const v1 = await call('wallet.v1.UserService/ListFriends', { user_id: String(who) }, actingAs(who));
      const v2 = await call('wallet.v2.UserService/ListFriends', { user_id: String(who) }, actingAs(who));
      const ids = (answer: Answer) => answer.list('friends').map(({ user_id }) => user_id);
      assert.deepEqual(ids(v1), ids(v2));
      return ids(v2);
    };
    const requestsOf = async (who: number, direction: 'INCOMING' | 'OUTGOING', by = who) => {
      const request = { user_id: String(who), direction: `FRIEND_REQUEST_DIRECTION_${direction}` };
      return call('wallet.v2.UserService/ListFriendRequests', request, actingAs(by));
    };
    const ids = (answer: Answer) =>
      answer.list('friend_requests').map(({ user }) => (user as { user_id: string }).user_id);
    for (let i = 0; i < 2; i++) assert.equal((await add(dan, eva)).body.state, 'FRIENDSHIP_STATE_REQUESTED');
    assert.deepEqual([await friendsOf(dan), await friendsOf(eva)], [[], []]);
    assert.deepEqual(ids(await requestsOf(eva, 'INCOMING')), [String(dan)]);
    assert.deepEqual(ids(await requestsOf(dan, 'OUTGOING')), [String(eva)]);
    assert.deepEqual(ids(await requestsOf(dan, 'INCOMING')), []);
    expectRefusal(await requestsOf(eva, 'INCOMING', dan), 'ERR004', 'NOT_SELF');
    // Declined by the one, then asked again and withdrawn by the other.
    assert.equal((await remove(eva, dan)).status, 0);
    assert.deepEqual(ids(await requestsOf(dan, 'OUTGOING')), []);
    await add(dan, eva);
    assert.equal((await remove(dan, eva)).status, 0);
    assert.equal((await add(eva, dan)).body.state, 'FRIENDSHIP_STATE_REQUESTED');
    assert.equal((await add(dan, eva)).body.state, 'FRIENDSHIP_STATE_FRIENDS');
    assert.deepEqual([await friendsOf(dan), await friendsOf(eva)], [[String(eva)], [String(dan)]]);
    assert.deepEqual(ids(await requestsOf(eva, 'OUTGOING')), []);
    assert.equal((await add(eva, dan)).body.state, 'FRIENDSHIP_STATE_FRIENDS');
    // Both at the same moment are friends, in either order.
    await remove(dan, eva);
    const states = (await Promise.all([add(dan, eva), add(eva, dan)])).map(({ body }) => body.state);
    assert.ok(states.includes('FRIENDSHIP_STATE_FRIENDS'), String(states));
    assert.deepEqual(await friendsOf(dan), [String(eva)]);
  });

  test(`friendship with oneself or with nobody is refused, over ${over}`, async () => {
    const { anna } = await createUsers();
    const self = { user_id: String(anna), friend_user_id: String(anna) };
    const nobody = { user_id: String(anna), friend_user_id: '999999' };
    const rpc = 'wallet.v2.UserService/AddFriend';
    expectRefusal(await call(rpc, self, actingAs(anna)), 'ERR001', 'INVALID_FIELD', ['friend_user_id']);
    expectRefusal(await call(rpc, nobody, actingAs(anna)), 'ERR005', 'USER_NOT_FOUND', ['friend_user_id']);
  });

  test(`a room is made once and exists only for its members, over ${over}`, async () => {
    const { anna, bo, room, request } = await createRoom();
    const repeated = await call('wallet.v2.RoomService/CreateRoom', request, actingAs(anna));
    assert.equal(repeated.at('room', 'room_id'), room);
    const renamed = { ...request, display_name: 'Other' };
    expectRefusal(
      await call('wallet.v2.RoomService/CreateRoom', renamed, actingAs(anna)),
      'ERR006',
      'ROOM_EXISTS',
      ['room_id'],
    );
    expectRefusal(
      await call('wallet.v2.RoomService/CreateRoom', request, actingAs(bo)),
      'ERR006',
      'ROOM_EXISTS',
      ['room_id'],
    );
    for (const rpc of ['wallet.v1.RoomService/GetRoom', 'wallet.v2.RoomService/GetRoom']) {
      assert.equal(
        (await call(rpc, { room_id: room }, actingAs(anna))).at('room', 'display_name'),
        'Our room',
      );
      const outside = await call(rpc, { room_id: room }, actingAs(bo));
      const unknown = await call(rpc, { room_id: 'nowhere' }, actingAs(bo));
      expectRefusal(outside, 'ERR005', 'ROOM_NOT_FOUND', ['room_id']);
      assert.deepEqual(
        [unknown.code, unknown.reason, unknown.fields],
        [outside.code, outside.reason, outside.fields],
      );
    }
  });

  test(`members come and go; the owner looks after the room, over ${over}`, async () => {
    const { anna, bo, cho, room } = await createRoom();
    for (const user of [bo, cho]) {
      const added = await call(
        'wallet.v2.RoomService/AddMember',
        { room_id: room, user_id: String(user) },
        actingAs(anna),
      );
      assert.equal(added.at('member', 'user_id'), String(user));
    }
    for (const rpc of ['wallet.v1.RoomService/ListMembers', 'wallet.v2.RoomService/ListMembers']) {
      const page1 = await call(rpc, { room_id: room, page_size: 2 }, actingAs(bo));
      const page_token = String(page1.body.next_page_token);
      const page2 = await call(rpc, { room_id: room, page_size: 2, page_token }, actingAs(bo));
      const ids = [...page1.list('members'), ...page2.list('members')].map(({ user_id }) => user_id);
      assert.deepEqual(ids, [anna, bo, cho].map(String));
    }
    const remove = (user: number, by: number) =>
      call('wallet.v2.RoomService/RemoveMember', { room_id: room, user_id: String(user) }, actingAs(by));
    expectRefusal(await remove(cho, bo), 'ERR004', 'NOT_ROOM_OWNER');
    expectRefusal(await remove(anna, anna), 'ERR001', 'INVALID_FIELD', ['user_id']);
    assert.equal((await remove(cho, anna)).status, 0);
    assert.equal((await remove(bo, bo)).status, 0);
    expectRefusal(
      await call('wallet.v2.RoomService/GetRoom', { room_id: room }, actingAs(bo)),
      'ERR005',
      'ROOM_NOT_FOUND',
      ['room_id'],
    );
  });

  test(`whom the owner took out, only the owner brings in again; who left by itself, anyone, over ${over}`, async () => {
    const { anna, bo, cho, room } = await createRoom();
    const change = (rpc: 'AddMember' | 'RemoveMember', user: number, by: number) =>
      call(`wallet.v2.RoomService/${rpc}`, { room_id: room, user_id: String(user) }, actingAs(by));
    await change('AddMember', bo, anna);
    await change('AddMember', cho, bo);
    assert.equal((await change('RemoveMember', cho, anna)).status, 0);
    expectRefusal(await change('AddMember', cho, bo), 'ERR004', 'REMOVED_BY_OWNER', ['user_id']);
    expectRefusal(await change('AddMember', cho, cho), 'ERR005', 'ROOM_NOT_FOUND', ['room_id']);
    assert.equal((await change('AddMember', cho, anna)).status, 0);
    assert.equal((await change('RemoveMember', cho, cho)).status, 0);
    assert.equal((await change('AddMember', cho, bo)).status, 0);
    await change('RemoveMember', cho, cho);
    await change('RemoveMember', bo, bo);
  });

  test(`only the owner renames a room, over ${over}`, async () => {
    const { anna, bo, room } = await createRoom();
    const rename = { room_id: room, display_name: 'Renamed' };
    const renamed = await call('wallet.v2.RoomService/UpdateRoom', rename, actingAs(anna));
    assert.equal(renamed.at('room', 'display_name'), 'Renamed');
    await call('wallet.v2.RoomService/AddMember', { room_id: room, user_id: String(bo) }, actingAs(anna));
    expectRefusal(
      await call('wallet.v2.RoomService/UpdateRoom', rename, actingAs(bo)),
      'ERR004',
      'NOT_ROOM_OWNER',
    );
  });
}
