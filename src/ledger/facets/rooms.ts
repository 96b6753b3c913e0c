// Rooms: who is a member.
import type { PoolClient } from 'pg';
import { plainArray, textArray } from '../../db/sql.ts';
import type { ReadSet } from '../../domain/batch/ledger-batch.ts';
import { memberKey, Rooms } from '../../domain/batch/rooms.ts';
import type { Facet } from '../facet.ts';

const READ_MEMBERS = `
  SELECT m.room_id, m.user_id FROM unnest($1::text[], $2::bigint[]) AS wanted (room_id, user_id),
    LATERAL (SELECT * FROM room_members m WHERE m.room_id = wanted.room_id AND m.user_id = wanted.user_id OFFSET 0) AS m`;

/** Reads which users are members of which rooms; each pair once, whatever the number of calls. */
export class RoomsFacet implements Facet<Rooms> {
  readonly #wanted = new Map<string, { readonly roomId: string; readonly userId: bigint }>();
  readonly statements = [];

  collect({ membership, members }: ReadSet): void {
    if (membership) this.#wanted.set(memberKey(membership.roomId, membership.userId), membership);
    if (!members) return;
    const { roomId, userIds } = members;
    for (const userId of userIds) this.#wanted.set(memberKey(roomId, userId), { roomId, userId });
  }

  load(client: PoolClient): Rooms | Promise<Rooms> {
    return this.#wanted.size === 0 ? new Rooms(new Set()) : this.#read(client);
  }

  async #read(client: PoolClient): Promise<Rooms> {
    const wanted = [...this.#wanted.values()];
    const { rows } = await client.query<{ room_id: string; user_id: string }>({
      name: 'read-members',
      text: READ_MEMBERS,
      values: [textArray(wanted.map(({ roomId }) => roomId)), plainArray(wanted.map(({ userId }) => userId))],
    });
    return new Rooms(new Set(rows.map((row) => memberKey(row.room_id, BigInt(row.user_id)))));
  }
}
