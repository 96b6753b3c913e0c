// Users, friends, rooms and members, from Redis where a copy is right; whoever changes them drops the copies.
import type { Rooms } from '../db/people/rooms.ts';
import type { Users } from '../db/people/users.ts';
import { type Page, pageOf } from '../domain/page.ts';
import type { Member, Room, User } from '../domain/people.ts';
import type { Micros } from '../domain/time.ts';
import type { Cache, Ref } from '../redis/index.ts';
import { jsonKind } from './json.ts';
import { DEFAULT_WALLET } from './wallets.ts';

const USER = jsonKind<User>('user1');
const ROOM = jsonKind<Room>('room1');
const MEMBER = jsonKind<Membership>('member1');
/** Lists hold ids alone: names are read one by one, so a new name has one copy to drop and not that of every list. */
const FRIENDS = jsonKind<readonly bigint[]>('friends1');
const MEMBERS = jsonKind<readonly Membership[]>('members1');

interface Membership {
  readonly userId: bigint;
  readonly joinedAt: Micros;
}

/** A copy of a list holds its beginning: the page that is asked for by default, and one more to know what follows. */
const FIRST = 21;

const ref = (kind: { readonly name: string }, id: string | bigint): Ref => ({
  kind: kind.name,
  id: String(id),
});
const inRoom = (roomId: string, userId: bigint) => `${roomId}/${userId}`;

/** Users through the cache. */
export function cachedUsers(cache: Cache, users: Users): Users {
  const find = (id: bigint) => cache.read(USER, String(id), () => users.find(id));
  return {
    find,
    create: (id, name) =>
      cache.change([ref(USER, id), ref(DEFAULT_WALLET, id)], () => users.create(id, name)),
    rename: (id, name) => cache.change([ref(USER, id)], () => users.rename(id, name)),
    befriend: (one, other) =>
      cache.change([ref(FRIENDS, one), ref(FRIENDS, other)], () => users.befriend(one, other)),
    askFriend: (one, other, quotas) =>
      cache.change([ref(FRIENDS, one), ref(FRIENDS, other)], () => users.askFriend(one, other, quotas)),
    friendRequests: users.friendRequests,
    unfriend: (one, other) =>
      cache.change([ref(FRIENDS, one), ref(FRIENDS, other)], () => users.unfriend(one, other)),
    friends: async (id, after, size) => {
      if (after !== 0n || size >= FIRST) return users.friends(id, after, size);
      const load = async () => (await users.friends(id, 0n, FIRST)).items.map((friend) => friend.id);
      const ids = (await cache.read(FRIENDS, String(id), load)) ?? [];
      const page = pageOf([...ids].slice(0, size + 1), size, (friendId) => friendId);
      return named(
        page,
        find,
        (friendId) => friendId,
        (_id, user) => user,
      );
    },
  };
}

/** Rooms through the cache. */
export function cachedRooms(cache: Cache, rooms: Rooms, users: Pick<Users, 'find'>): Rooms {
  const withName = ({ userId, joinedAt }: Membership, { displayName }: User): Member => ({
    userId,
    displayName,
    joinedAt,
  });
  const membersOf = (roomId: string, userId: bigint) => [
    ref(MEMBER, inRoom(roomId, userId)),
    ref(MEMBERS, roomId),
  ];
  return {
    find: (id) => cache.read(ROOM, id, () => rooms.find(id)),
    create: (room, quotas) =>
      cache.change([ref(ROOM, room.id), ...membersOf(room.id, room.ownerUserId)], () =>
        rooms.create(room, quotas),
      ),
    rename: (id, name) => cache.change([ref(ROOM, id)], () => rooms.rename(id, name)),
    addMember: (roomId, userId) =>
      cache.change(membersOf(roomId, userId), () => rooms.addMember(roomId, userId)),
    invite: (roomId, userId, byUserId, quotas) =>
      cache.change(membersOf(roomId, userId), () => rooms.invite(roomId, userId, byUserId, quotas)),
    removeMember: (roomId, userId, isByOwner) =>
      cache.change(membersOf(roomId, userId), () => rooms.removeMember(roomId, userId, isByOwner)),
    findMember: async (roomId, userId) => {
      const found = await cache.read(MEMBER, inRoom(roomId, userId), () =>
        rooms.findMember(roomId, userId).then(membership),
      );
      const user = found && (await users.find(userId));
      return user && withName(found, user);
    },
    members: async (roomId, after, size) => {
      if (after !== 0n || size >= FIRST) return rooms.members(roomId, after, size);
      const load = async () => (await rooms.members(roomId, 0n, FIRST)).items.map(idsOnly);
      const all = (await cache.read(MEMBERS, roomId, load)) ?? [];
      const page = pageOf([...all].slice(0, size + 1), size, ({ userId }) => userId);
      return named(page, users.find, ({ userId }) => userId, withName);
    },
  };
}

function idsOnly({ userId, joinedAt }: Member): Membership {
  return { userId, joinedAt };
}

function membership(member: Member | undefined): Membership | undefined {
  return member && idsOnly(member);
}

/** Gives each of a page's items the name of its user. Users are never deleted, so each is there. */
async function named<Item, Named, Place>(
  page: Page<Item, Place>,
  find: (id: bigint) => Promise<User | undefined>,
  userOf: (item: Item) => bigint,
  withName: (item: Item, user: User) => Named,
): Promise<Page<Named, Place>> {
  const items = await Promise.all(
    page.items.map(async (item) => {
      const user = await find(userOf(item));
      return user ? [withName(item, user)] : [];
    }),
  );
  return { items: items.flat(), next: page.next };
}
