// wallet.v2.UserService: users and friends.
import {
  FriendRequestDirection,
  FriendshipState,
  type UserServiceService,
} from '../../../gen/ts/wallet/v2/user_service.ts';
import { pageSize } from '../../domain/page.ts';
import type { User } from '../../domain/people.ts';
import {
  addFriend,
  type Core,
  createUser,
  getUser,
  listFriendRequests,
  listFriends,
  removeFriend,
  updateUser,
} from '../../usecases/index.ts';
import type { Handlers } from '../handlers.ts';
import { decodeUserToken, encodeUserToken } from '../page-token.ts';
import { toTimestamp } from '../timestamp.ts';

/** The handlers of wallet.v2.UserService. */
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

function toUser({ id, displayName, createdAt }: User) {
  return { userId: id, displayName, createdAt: toTimestamp(createdAt) };
}
