// Rooms: who is a member.
import { memberKey, Rooms } from '../../domain/batch/rooms.ts';
import { distinct, type Facet } from '../facet.ts';
import { givenRows, reading } from '../given-rows.ts';

interface Membership {
  readonly roomId: string;
  readonly userId: bigint;
}

const readMembers = reading<Membership, { room_id: string; user_id: string }>(
  'read-members',
  givenRows('wanted', {
    room_id: ['text', ({ roomId }) => roomId],
    user_id: ['bigint', ({ userId }) => userId],
  }),
  (wanted) => `
  SELECT m.room_id, m.user_id FROM ${wanted},
    LATERAL (SELECT * FROM room_members m WHERE m.room_id = wanted.room_id AND m.user_id = wanted.user_id OFFSET 0) AS m`,
);

/** Reads which users are members of which rooms; each pair once, whatever the number of calls. */
export const rooms: Facet<Rooms> = {
  load: async (client, asked) => {
    const wanted = distinct(
      asked,
      ({ members }) => members?.userIds.map((userId) => ({ roomId: members.roomId, userId })),
      ({ roomId, userId }) => memberKey(roomId, userId),
    );
    const rows = await readMembers(client, wanted);
    return new Rooms(new Set(rows.map((row) => memberKey(row.room_id, BigInt(row.user_id)))));
  },
  statements: [],
};
