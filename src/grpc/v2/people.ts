// wallet.v2.UserService and wallet.v2.RoomService: users, friends, rooms and members.
import type { RoomServiceService } from '../../../gen/ts/wallet/v2/room_service.ts';
import {
  FriendRequestDirection,
  FriendshipState,
  type UserServiceService,
} from '../../../gen/ts/wallet/v2/user_service.ts';
import { pageSize } from '../../domain/page.ts';
import type { Member, Room, User } from '../../domain/people.ts';
import {
  addFriend,
  addMember,
  type Core,
  createRoom,
  createUser,
  getRoom,
  getUser,
  listFriendRequests,
  listFriends,
  listMembers,
  removeFriend,
  removeMember,
  updateRoom,
  updateUser,
} from '../../usecases/index.ts';
import { decodeUserToken, encodeUserToken } from '../page-token.ts';
import type { Handlers } from '../service.ts';
import { toTimestamp } from '../timestamp.ts';

export const userService = (core: Core): Handlers<typeof UserServiceService> => ({
  async createUser({ userId, displayName }) {
    return { user: toUser(await createUser(core, userId, displayName)) };
  },

  async getUser({ userId }) {
    return { user: toUser(await getUser(core, userId, 'user_id')) };
  },

  async updateUser({ userId, displayName }, caller) {
    return { user: toUser(await updateUser(core, caller.userId, userId, displayName)) };
  },

  async listFriends(request, caller) {
    const list = ['v2.friends', request.userId];
    const after = decodeUserToken(list, request.pageToken);
    const page = await listFriends(core, caller.userId, request.userId, after, pageSize(request.pageSize));
    return { friends: page.items.map(toUser), nextPageToken: encodeUserToken(list, page.next) };
  },

  async addFriend({ userId, friendUserId }, caller) {
    const { friend, friendship } = await addFriend(core, caller.userId, userId, friendUserId);
    const state = friendship === 'friends' ? FriendshipState.FRIENDS : FriendshipState.REQUESTED;
    return { friend: toUser(friend), state };
  },

  async listFriendRequests(request, caller) {
    const { userId: id } = request;
    const direction = request.direction === FriendRequestDirection.OUTGOING ? 'outgoing' : 'incoming';
    const list = ['v2.friend-requests', id, direction];
    const after = decodeUserToken(list, request.pageToken);
    const size = pageSize(request.pageSize);
    const page = await listFriendRequests(core, caller.userId, { id, direction }, after, size);
    return {
      friendRequests: page.items.map(({ user, createdAt }) => ({
        user: toUser(user),
        direction: request.direction,
        createdAt: toTimestamp(createdAt),
      })),
      nextPageToken: encodeUserToken(list, page.next),
    };
  },

  async removeFriend({ userId, friendUserId }, caller) {
    await removeFriend(core, caller.userId, userId, friendUserId);
    return {};
  },
});

export const roomService = (core: Core): Handlers<typeof RoomServiceService> => ({
  async createRoom({ roomId, displayName }, { userId }) {
    return { room: toRoom(await createRoom(core, userId, roomId, displayName)) };
  },

  async getRoom({ roomId }, { userId }) {
    return { room: toRoom(await getRoom(core, userId, roomId)) };
  },

  async updateRoom({ roomId, displayName }, { userId }) {
    return { room: toRoom(await updateRoom(core, userId, roomId, displayName)) };
  },

  async listMembers(request, { userId }) {
    const list = ['v2.members', request.roomId];
    const after = decodeUserToken(list, request.pageToken);
    const page = await listMembers(core, userId, request.roomId, after, pageSize(request.pageSize));
    return { members: page.items.map(toMember), nextPageToken: encodeUserToken(list, page.next) };
  },

  async addMember({ roomId, userId }, caller) {
    return { member: toMember(await addMember(core, caller.userId, roomId, userId)) };
  },

  async removeMember({ roomId, userId }, caller) {
    await removeMember(core, caller.userId, roomId, userId);
    return {};
  },
});

function toUser({ id, displayName, createdAt }: User) {
  return { userId: id, displayName, createdAt: toTimestamp(createdAt) };
}

function toRoom({ id, displayName, ownerUserId, createdAt }: Room) {
  return { roomId: id, displayName, ownerUserId, createdAt: toTimestamp(createdAt) };
}

function toMember({ userId, displayName, joinedAt }: Member) {
  return { userId, displayName, joinedAt: toTimestamp(joinedAt) };
}
