// wallet.v1.RoomService: rooms and members, read only.
import type { RoomServiceService } from '../../../gen/ts/wallet/v1/room_service.ts';
import { pageSize } from '../../domain/page.ts';
import { type Core, getRoom, listMembers } from '../../usecases/index.ts';
import type { Handlers } from '../handlers.ts';
import { decodeUserToken, encodeUserToken } from '../page-token.ts';
import { toTimestamp } from '../timestamp.ts';

/** The handlers of wallet.v1.RoomService. */
export const roomService = (core: Core): Handlers<typeof RoomServiceService> => ({
  async getRoom({ roomId }, { userId }) {
    const { id, displayName, createdAt } = await getRoom(core, userId, roomId);
    return { room: { roomId: id, displayName, createdAt: toTimestamp(createdAt) } };
  },

  async listMembers(request, { userId }) {
    const list = ['v1.members', request.roomId];
    const after = decodeUserToken(list, request.pageToken);
    const page = await listMembers(core, userId, request.roomId, after, pageSize(request.pageSize));
    return {
      members: page.items.map((member) => ({ ...member, joinedAt: toTimestamp(member.joinedAt) })),
      nextPageToken: encodeUserToken(list, page.next),
    };
  },
});
