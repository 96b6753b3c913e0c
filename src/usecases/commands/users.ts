// Creates and changes users and friendships. Users change only what is their own.
import { checkName } from '../../domain/bounds.ts';
import type { Friendship, User } from '../../domain/people.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { Core } from '../core.ts';
import { checkSelf, getUser } from '../queries/users.ts';

/** Adds a user with an empty default wallet in KRW; a user who is there with this name already, is the answer too. Refuses USER_EXISTS. */
export async function createUser(core: Core, id: bigint, displayName: string): Promise<User> {
  checkName(displayName);
  const user = (await core.users.create(id, displayName)) ?? (await core.users.find(id));
  // The answer to an earlier attempt may have been lost.
  if (user?.displayName !== displayName) throw refuseField('USER_EXISTS', 'user_id');
  return user;
}

/** Refuses NOT_SELF, USER_NOT_FOUND. */
export async function updateUser(
  core: Core,
  actingUserId: bigint,
  id: bigint,
  displayName: string,
): Promise<User> {
  checkSelf(actingUserId, id);
  checkName(displayName);
  const user = await core.users.rename(id, displayName);
  if (!user) throw refuseField('USER_NOT_FOUND', 'user_id');
  return user;
}

/**
 * Requests a friendship, or accepts the other user's request. Refuses NOT_SELF, USER_NOT_FOUND, QUOTA_EXCEEDED, and
 * INVALID_FIELD for a friendship with oneself.
 */
export async function addFriend(
  core: Core,
  actingUserId: bigint,
  id: bigint,
  friendId: bigint,
): Promise<{ readonly friend: User; readonly friendship: Friendship }> {
  checkSelf(actingUserId, id);
  if (id === friendId)
    throw refuseField('INVALID_FIELD', 'friend_user_id', {
      en: 'must not be the user itself',
      ko: '본인이면 안 됩니다',
    });
  await getUser(core, id, 'user_id');
  const friend = await getUser(core, friendId, 'friend_user_id');
  return { friend, friendship: await core.users.askFriend(id, friendId, core.quotas) };
}

/** Ends a friendship, withdraws a request or declines one. Refuses NOT_SELF. */
export async function removeFriend(
  core: Core,
  actingUserId: bigint,
  id: bigint,
  friendId: bigint,
): Promise<void> {
  checkSelf(actingUserId, id);
  await core.users.unfriend(id, friendId);
}
