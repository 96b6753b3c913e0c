// Reads the sprinkle that a room's token names, and whether a user has a share of a sprinkle.
import type { Sprinkle } from '../../domain/sprinkle.ts';
import { MICROS_PER_MS } from '../../domain/time.ts';
import type { Pool } from '../pool.ts';
import { SPRINKLE_COLUMNS, type SprinkleRow, toSprinkle } from '../rows.ts';
import { microsOf } from '../sql.ts';

/**
 * A batch may have decided a claim just before the end and commit it later. Statements end after five seconds by default
 * (STATEMENT_TIMEOUT_MS), so after this long nothing of the sprinkle changes any more.
 */
const FINAL_AFTER_MICROS = 60_000 * MICROS_PER_MS;

const FIND = `
  SELECT ${SPRINKLE_COLUMNS}, ${microsOf('clock_timestamp()')} AS now
  FROM sprinkle_tokens t JOIN sprinkles s ON s.id = t.sprinkle_id WHERE t.room_id = $1 AND t.token = $2`;

const FIND_CLAIM = `SELECT FROM sprinkle_claims WHERE sprinkle_id = $1 AND user_id = $2`;

/** The sprinkle that a token names, or named last, as it was at the moment of reading. */
export interface TokenView {
  readonly sprinkle: Sprinkle;
  /** How long claims of it may still be committed, in milliseconds; 0 when nothing of it changes any more. */
  readonly leftMs: number;
}

/** How long after a moment claims of a sprinkle may still be committed, in milliseconds. */
export function leftMsOf({ expiresAt }: Sprinkle, at: number): number {
  return Math.max(0, Math.ceil((expiresAt + FINAL_AFTER_MICROS - at) / MICROS_PER_MS));
}

/** Undefined where the room never had a sprinkle with this token. */
export async function findToken(pool: Pool, roomId: string, token: string): Promise<TokenView | undefined> {
  const { rows } = await pool.query<SprinkleRow & { now: string }>({
    name: 'find-token',
    text: FIND,
    values: [roomId, token],
  });
  const [row] = rows;
  if (!row) return undefined;
  const sprinkle = toSprinkle(row);
  return { sprinkle, leftMs: leftMsOf(sprinkle, Number(row.now)) };
}

/** Whether a user has a share of a sprinkle. */
export async function hasClaimed(pool: Pool, sprinkleId: string, userId: bigint): Promise<boolean> {
  const values = [sprinkleId, userId];
  const { rowCount } = await pool.query({ name: 'has-claimed', text: FIND_CLAIM, values });
  return rowCount === 1;
}
