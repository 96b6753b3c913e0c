// Reads users and their friends: everyone sees profiles, only the user itself sees its friends.
import type { Page } from '../../domain/page.ts';
import type { FriendRequest, RequestDirection, User } from '../../domain/people.ts';
import { Refusal, refuseField } from '../../domain/refusal.ts';
import type { Core } from '../core.ts';

/** Refuses USER_NOT_FOUND. */
export async function getUser(core: Core, id: bigint, field: string): Promise<User> {
  const user = await core.users.find(id);
  if (!user) throw refuseField('USER_NOT_FOUND', field);
  return user;
}

/** Friends by id, one page. Refuses NOT_SELF, USER_NOT_FOUND. */
export async function listFriends(
  core: Core,
  actingUserId: bigint,
  id: bigint,
  after: bigint,
  size: number,
): Promise<Page<User, bigint>> {
  checkSelf(actingUserId, id);
  await getUser(core, id, 'user_id');
  return core.users.friends(id, after, size);
}

/** Requests that a user got or sent, by the other side's id, one page. Refuses NOT_SELF, USER_NOT_FOUND. */
export async function listFriendRequests(
  core: Core,
  actingUserId: bigint,
  wanted: { readonly id: bigint; readonly direction: RequestDirection },
  after: bigint,
  size: number,
): Promise<Page<FriendRequest, bigint>> {
  checkSelf(actingUserId, wanted.id);
  await getUser(core, wanted.id, 'user_id');
  return core.users.friendRequests(wanted.id, wanted.direction, after, size);
}

/** Refuses NOT_SELF for any other user. */
export function checkSelf(actingUserId: bigint, id: bigint): void {
  if (actingUserId !== id) throw new Refusal('NOT_SELF');
}
