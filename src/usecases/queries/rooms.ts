// Reads rooms and their members; for others a room does not exist.
import type { Page } from '../../domain/page.ts';
import type { Member, Room } from '../../domain/people.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { Core } from '../core.ts';

/** Refuses ROOM_NOT_FOUND, also for users who are not members. */
export async function getRoom(core: Core, userId: bigint, id: string): Promise<Room> {
  const [room, member] = await Promise.all([core.rooms.find(id), core.rooms.findMember(id, userId)]);
  if (!room || !member) throw refuseField('ROOM_NOT_FOUND', 'room_id');
  return room;
}

/** Members by user id, one page. Refuses ROOM_NOT_FOUND. */
export async function listMembers(
  core: Core,
  userId: bigint,
  id: string,
  after: bigint,
  size: number,
): Promise<Page<Member, bigint>> {
  await getRoom(core, userId, id);
  return core.rooms.members(id, after, size);
}
