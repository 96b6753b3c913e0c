// Creates rooms and changes their members. Any member adds users; the owner removes them.
import { checkName } from '../../domain/bounds.ts';
import type { Member, Room } from '../../domain/people.ts';
import { Refusal, refuseField } from '../../domain/refusal.ts';
import type { Core } from '../core.ts';
import { getRoom } from '../queries/rooms.ts';
import { getUser } from '../queries/users.ts';

/**
 * Adds a room; its creator is its owner and first member. A room of this owner and this name that is there already, is the
 * answer too. Refuses USER_NOT_FOUND, ROOM_EXISTS, QUOTA_EXCEEDED.
 */
export async function createRoom(core: Core, userId: bigint, id: string, displayName: string): Promise<Room> {
  checkName(displayName);
  await getUser(core, userId, 'x-user-id');
  // The answer to an earlier attempt may have been lost, and its room may have been the last of the quota.
  const room =
    (await core.rooms.find(id)) ??
    (await core.rooms.create({ id, displayName, ownerUserId: userId }, core.quotas)) ??
    (await core.rooms.find(id));
  if (room?.ownerUserId !== userId || room.displayName !== displayName)
    throw refuseField('ROOM_EXISTS', 'room_id');
  return room;
}

/** Refuses ROOM_NOT_FOUND, NOT_ROOM_OWNER. */
export async function updateRoom(core: Core, userId: bigint, id: string, displayName: string): Promise<Room> {
  checkName(displayName);
  const room = await getRoom(core, userId, id);
  if (room.ownerUserId !== userId) throw new Refusal('NOT_ROOM_OWNER');
  return (await core.rooms.rename(id, displayName)) ?? room;
}

/**
 * Any member adds users, except those whom the owner removed. Refuses ROOM_NOT_FOUND, USER_NOT_FOUND, REMOVED_BY_OWNER,
 * QUOTA_EXCEEDED.
 */
export async function addMember(core: Core, userId: bigint, id: string, newUserId: bigint): Promise<Member> {
  await getRoom(core, userId, id);
  const user = await getUser(core, newUserId, 'user_id');
  await core.rooms.invite(id, newUserId, userId, core.quotas);
  const member = await core.rooms.findMember(id, newUserId);
  return member ?? { userId: user.id, displayName: user.displayName, joinedAt: user.createdAt };
}

/** Members leave by themselves; the owner removes anyone else. Refuses ROOM_NOT_FOUND, NOT_ROOM_OWNER, INVALID_FIELD. */
export async function removeMember(
  core: Core,
  userId: bigint,
  id: string,
  leavingUserId: bigint,
): Promise<void> {
  const room = await getRoom(core, userId, id);
  if (leavingUserId === room.ownerUserId) {
    throw refuseField('INVALID_FIELD', 'user_id', {
      en: 'the owner of a room cannot leave it',
      ko: '방의 소유자는 나갈 수 없습니다',
    });
  }
  if (leavingUserId !== userId && room.ownerUserId !== userId) throw new Refusal('NOT_ROOM_OWNER');
  await core.rooms.removeMember(id, leavingUserId, leavingUserId !== userId);
}
