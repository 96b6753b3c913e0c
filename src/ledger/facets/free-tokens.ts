// Finds tokens that no live sprinkle of a room has.
import type { PoolClient } from 'pg';
import { textArray } from '../../db/sql.ts';
import type { Random } from '../../domain/random.ts';
import { drawFreeTokens } from '../../domain/token.ts';

const READ_TAKEN = `
  SELECT t.room_id, t.token FROM unnest($1::text[], $2::text[]) AS wanted (room_id, token)
  JOIN sprinkle_tokens t USING (room_id, token) WHERE t.expires_at > clock_timestamp()`;

const READ_ALL_TAKEN = `
  SELECT token FROM sprinkle_tokens WHERE room_id = $1 AND expires_at > clock_timestamp()`;

/** The tokens that calls of a batch want of a room. */
export interface WantedTokens {
  readonly candidates: Set<string>;
  /** How many sprinkles of the room the batch creates. */
  count: number;
}

/**
 * Returns free tokens for every room in which the batch makes sprinkles: those of the candidates that are free, and,
 * in a room so crowded that they are too few, tokens drawn from all that are left. A room without any gets none.
 */
export async function findFreeTokens(
  client: PoolClient,
  wantedByRoom: ReadonlyMap<string, WantedTokens>,
  random: Random,
): Promise<Map<string, string[]>> {
  const free = new Map<string, string[]>();
  if (wantedByRoom.size === 0) return free;
  const wanted = [...wantedByRoom].flatMap(([roomId, { candidates }]) =>
    [...candidates].map((token) => ({ roomId, token })),
  );
  const { rows } = await client.query<{ room_id: string; token: string }>({
    name: 'read-taken-tokens',
    text: READ_TAKEN,
    values: [textArray(wanted.map(({ roomId }) => roomId)), textArray(wanted.map(({ token }) => token))],
  });
  const taken = new Set(rows.map((row) => `${row.room_id}/${row.token}`));
  for (const [roomId, { candidates, count }] of wantedByRoom) {
    const tokens = [...candidates].filter((token) => !taken.has(`${roomId}/${token}`));
    free.set(roomId, tokens.length >= count ? tokens : await drawFromTheRest(client, roomId, count, random));
  }
  return free;
}

/** Reads up to 238,328 rows; it happens only in rooms where most tokens belong to live sprinkles. */
async function drawFromTheRest(
  client: PoolClient,
  roomId: string,
  count: number,
  random: Random,
): Promise<string[]> {
  const { rows } = await client.query<{ token: string }>({ text: READ_ALL_TAKEN, values: [roomId] });
  return drawFreeTokens(new Set(rows.map((row) => row.token)), count, random);
}
