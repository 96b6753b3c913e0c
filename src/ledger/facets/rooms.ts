// Rooms: who is a member.
import type { PoolClient } from 'pg';
import type { ReadSet } from '../../domain/batch/ledger-batch.ts';
import { memberKey, Rooms } from '../../domain/batch/rooms.ts';
import type { Facet } from '../facet.ts';
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
export class RoomsFacet implements Facet<Rooms> {
  readonly #wanted = new Map<string, Membership>();
  readonly statements = [];

  collect({ membership, members }: ReadSet): void {
    if (membership) this.#wanted.set(memberKey(membership.roomId, membership.userId), membership);
    if (!members) return;
    const { roomId, userIds } = members;
    for (const userId of userIds) this.#wanted.set(memberKey(roomId, userId), { roomId, userId });
  }

  async load(client: PoolClient): Promise<Rooms> {
    const rows = await readMembers(client, [...this.#wanted.values()]);
    return new Rooms(new Set(rows.map((row) => memberKey(row.room_id, BigInt(row.user_id)))));
  }
}
