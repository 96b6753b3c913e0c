// wallet.v2.RoomService: rooms and members.
import type { RoomServiceService } from '../../../gen/ts/wallet/v2/room_service.ts';
import { pageSize } from '../../domain/page.ts';
import type { Member, Room } from '../../domain/people.ts';
import {
  addMember,
  type Core,
  createRoom,
  getRoom,
  listMembers,
  removeMember,
  updateRoom,
} from '../../usecases/index.ts';
import type { Handlers } from '../handlers.ts';
import { decodeUserToken, encodeUserToken } from '../page-token.ts';
import { toTimestamp } from '../timestamp.ts';

/** The handlers of wallet.v2.RoomService. */
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

function toRoom({ id, displayName, ownerUserId, createdAt }: Room) {
  return { roomId: id, displayName, ownerUserId, createdAt: toTimestamp(createdAt) };
}

function toMember({ userId, displayName, joinedAt }: Member) {
  return { userId, displayName, joinedAt: toTimestamp(joinedAt) };
}
