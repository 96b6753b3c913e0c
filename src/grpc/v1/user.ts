// wallet.v1.UserService: users and friends, read only.
import type { UserServiceService } from '../../../gen/ts/wallet/v1/user_service.ts';
import { pageSize } from '../../domain/page.ts';
import type { User } from '../../domain/people.ts';
import { type Core, getUser, listFriends } from '../../usecases/index.ts';
import type { Handlers } from '../handlers.ts';
import { decodeUserToken, encodeUserToken } from '../page-token.ts';
import { toTimestamp } from '../timestamp.ts';

/** The handlers of wallet.v1.UserService. */
export const userService = (core: Core): Handlers<typeof UserServiceService> => ({
  async getUser({ userId }) {
    return { user: toUser(await getUser(core, userId, 'user_id')) };
  },

  async listFriends(request, caller) {
    const list = ['v1.friends', request.userId];
    const after = decodeUserToken(list, request.pageToken);
    const page = await listFriends(core, caller.userId, request.userId, after, pageSize(request.pageSize));
    return { friends: page.items.map(toUser), nextPageToken: encodeUserToken(list, page.next) };
  },
});

function toUser({ id, displayName, createdAt }: User) {
  return { userId: id, displayName, createdAt: toTimestamp(createdAt) };
}
