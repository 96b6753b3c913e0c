// Users, friends, rooms and members: read through the cache, written to the primary, which deletes their entries.
import {
  type CacheReader,
  type CacheWriter,
  DEFAULT_WALLET,
  FRIENDS,
  MEMBER,
  MEMBERS,
  type Membership,
  memberId,
  ROOM,
  refOf,
  USER,
} from '../cache/index.ts';
import type { Rooms, Users } from '../db/people/index.ts';
import { type Page, pageOf } from '../domain/page.ts';
import type { Member, User } from '../domain/people.ts';

type PeopleCache = CacheReader & Pick<CacheWriter, 'withInvalidation'>;

/** Items in a cached list: the default page size, and one more that says whether another page follows. */
const CACHED_ITEMS = 21;

/** Users through the cache; `users` are those in the database. */
export function createUserRepository(cache: PeopleCache, users: Users): Users {
  const find = (id: bigint) => cache.read(USER, String(id), () => users.find(id));
  const friendsOf = (one: bigint, other: bigint) => [refOf(FRIENDS, one), refOf(FRIENDS, other)];
  return {
    find,
    create: (id, name) =>
      cache.withInvalidation([refOf(USER, id), refOf(DEFAULT_WALLET, id)], () => users.create(id, name)),
    rename: (id, name) => cache.withInvalidation([refOf(USER, id)], () => users.rename(id, name)),
    befriend: (one, other) => cache.withInvalidation(friendsOf(one, other), () => users.befriend(one, other)),
    askFriend: (one, other, quotas) =>
      cache.withInvalidation(friendsOf(one, other), () => users.askFriend(one, other, quotas)),
    friendRequests: users.friendRequests,
    unfriend: (one, other) => cache.withInvalidation(friendsOf(one, other), () => users.unfriend(one, other)),
    friends: async (id, after, size) => {
      if (after !== 0n || size >= CACHED_ITEMS) return users.friends(id, after, size);
      const load = async () => (await users.friends(id, 0n, CACHED_ITEMS)).items.map((friend) => friend.id);
      const ids = (await cache.read(FRIENDS, String(id), load)) ?? [];
      const page = pageOf([...ids].slice(0, size + 1), size, (friendId) => friendId);
      return withUsers(
        page,
        find,
        (friendId) => friendId,
        (_id, user) => user,
      );
    },
  };
}

/** Rooms through the cache; `rooms` are those in the database. */
export function createRoomRepository(cache: PeopleCache, rooms: Rooms, users: Pick<Users, 'find'>): Rooms {
  const withName = ({ userId, joinedAt }: Membership, { displayName }: User): Member => ({
    userId,
    displayName,
    joinedAt,
  });
  const membersOf = (roomId: string, userId: bigint) => [
    refOf(MEMBER, memberId(roomId, userId)),
    refOf(MEMBERS, roomId),
  ];
  return {
    find: (id) => cache.read(ROOM, id, () => rooms.find(id)),
    create: (room, quotas) =>
      cache.withInvalidation([refOf(ROOM, room.id), ...membersOf(room.id, room.ownerUserId)], () =>
        rooms.create(room, quotas),
      ),
    rename: (id, name) => cache.withInvalidation([refOf(ROOM, id)], () => rooms.rename(id, name)),
    addMember: (roomId, userId) =>
      cache.withInvalidation(membersOf(roomId, userId), () => rooms.addMember(roomId, userId)),
    invite: (roomId, userId, byUserId, quotas) =>
      cache.withInvalidation(membersOf(roomId, userId), () => rooms.invite(roomId, userId, byUserId, quotas)),
    removeMember: (roomId, userId, isByOwner) =>
      cache.withInvalidation(membersOf(roomId, userId), () => rooms.removeMember(roomId, userId, isByOwner)),
    findMember: async (roomId, userId) => {
      const load = async () => toMembership(await rooms.findMember(roomId, userId));
      const found = await cache.read(MEMBER, memberId(roomId, userId), load);
      const user = found && (await users.find(userId));
      return user && withName(found, user);
    },
    members: async (roomId, after, size) => {
      if (after !== 0n || size >= CACHED_ITEMS) return rooms.members(roomId, after, size);
      const load = async () => (await rooms.members(roomId, 0n, CACHED_ITEMS)).items.map(withoutName);
      const all = (await cache.read(MEMBERS, roomId, load)) ?? [];
      const page = pageOf([...all].slice(0, size + 1), size, ({ userId }) => userId);
      return withUsers(page, users.find, ({ userId }) => userId, withName);
    },
  };
}

function withoutName({ userId, joinedAt }: Member): Membership {
  return { userId, joinedAt };
}

function toMembership(member: Member | undefined): Membership | undefined {
  return member && withoutName(member);
}

/** Reads the user of each item of a page. Users are never deleted, so each one exists. */
async function withUsers<Item, Named, Place>(
  page: Page<Item, Place>,
  find: (id: bigint) => Promise<User | undefined>,
  userOf: (item: Item) => bigint,
  join: (item: Item, user: User) => Named,
): Promise<Page<Named, Place>> {
  const items = await Promise.all(
    page.items.map(async (item) => {
      const user = await find(userOf(item));
      return user ? [join(item, user)] : [];
    }),
  );
  return { items: items.flat(), next: page.next };
}
