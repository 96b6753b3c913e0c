// Reads sprinkles and their claims.
import { type Page, pageOf } from '../../domain/page.ts';
import type { Claim, Sprinkle } from '../../domain/sprinkle.ts';
import type { Micros } from '../../domain/time.ts';
import type { Pool, Reader } from '../pool.ts';
import { SPRINKLE_COLUMNS, type SprinkleRow, toSprinkle } from '../rows.ts';
import { microsOf, timestamptz } from '../sql.ts';
import { leftMsOf } from './tokens.ts';

const NOW_AND_CLAIMED = `${microsOf('clock_timestamp()')} AS now,
  (SELECT coalesce(sum(share), 0) FROM unnest(s.shares[1 : s.claimed_count]) AS share) AS claimed_amount`;

const FIND_BY_TOKEN = `
  SELECT ${SPRINKLE_COLUMNS}, ${NOW_AND_CLAIMED} FROM sprinkles s
  WHERE s.creator_user_id = $1 AND s.room_id = $2 AND s.token = $3
  ORDER BY s.created_at DESC, s.id DESC LIMIT 1`;

const FIND_BY_ID = `SELECT ${SPRINKLE_COLUMNS}, ${NOW_AND_CLAIMED} FROM sprinkles s WHERE s.id = $1 AND s.room_id = $2`;

const LIST = `
  SELECT ${SPRINKLE_COLUMNS}, ${NOW_AND_CLAIMED} FROM sprinkles s
  WHERE s.creator_user_id = $1 AND s.room_id = $2 AND (s.created_at, s.id) < ($3, $4)
    AND s.created_at > clock_timestamp() - $5 * interval '1 millisecond'
  ORDER BY s.created_at DESC, s.id DESC LIMIT $6`;

const LIST_OF_ROOM = `
  SELECT ${SPRINKLE_COLUMNS}, ${NOW_AND_CLAIMED} FROM sprinkles s
  WHERE s.room_id = $1 AND (s.created_at, s.id) < ($2, $3)
    AND s.created_at > clock_timestamp() - $4 * interval '1 millisecond'
  ORDER BY s.created_at DESC, s.id DESC LIMIT $5`;

const FIND_DRAW = `
  SELECT ${SPRINKLE_COLUMNS}, ${NOW_AND_CLAIMED}, s.sealed_seed, s.closed_at IS NOT NULL AS is_closed FROM sprinkles s
  WHERE s.id = $1 AND s.room_id = $2`;

const CLAIMS = `
  SELECT user_id, amount, encode(nonce, 'hex') AS nonce, ${microsOf('created_at')} AS created_at FROM sprinkle_claims
  WHERE sprinkle_id = $1 ORDER BY share_index LIMIT $2`;

type Row = SprinkleRow & { now: string; claimed_amount: string };

/** A sprinkle as it was at the moment of reading. */
export interface SprinkleView {
  readonly sprinkle: Sprinkle;
  readonly claimedAmount: bigint;
  /** The moment of reading, by the database's clock. */
  readonly at: Micros;
}

/** A sprinkle with what its draw rests on. */
export interface DrawView extends SprinkleView {
  /** Undefined where a release without seeds made it. */
  readonly sealedSeed: string | undefined;
  /** Whether nothing of it changes any more: its pot was emptied, or no claim of it can be on its way. */
  readonly isFinal: boolean;
}

/** Where the next page begins: before the sprinkle of that moment and id. */
export interface SprinklePlace {
  readonly createdAt: Micros;
  readonly id: string;
}

/** The last sprinkle that a user made in a room under a token. */
export async function findSprinkleByToken(
  db: Reader,
  creatorUserId: bigint,
  roomId: string,
  token: string,
): Promise<SprinkleView | undefined> {
  const values = [creatorUserId, roomId, token];
  const { rows } = await db.query<Row>({ name: 'find-sprinkle-by-token', text: FIND_BY_TOKEN, values });
  return rows[0] && toView(rows[0]);
}

/** The sprinkle of a room with this id. */
export async function findSprinkleById(
  db: Reader,
  roomId: string,
  id: string,
): Promise<SprinkleView | undefined> {
  const { rows } = await db.query<Row>({
    name: 'find-sprinkle-by-id',
    text: FIND_BY_ID,
    values: [id, roomId],
  });
  return rows[0] && toView(rows[0]);
}

/** The sprinkles that a user made in a room in the last `lookupMs` milliseconds, newest first, one page. */
export async function listSprinkles(
  db: Reader,
  creatorUserId: bigint,
  roomId: string,
  lookupMs: number,
  after: SprinklePlace | undefined,
  size: number,
): Promise<Page<SprinkleView, SprinklePlace>> {
  const values = [creatorUserId, roomId, ...startOf(after), lookupMs, size + 1];
  const { rows } = await db.query<Row>({ name: 'list-sprinkles', text: LIST, values });
  return toPage(rows, size);
}

/** The sprinkles that were made in a room in the last `lookupMs` milliseconds, newest first, one page. */
export async function listRoomSprinkles(
  db: Reader,
  roomId: string,
  lookupMs: number,
  after: SprinklePlace | undefined,
  size: number,
): Promise<Page<SprinkleView, SprinklePlace>> {
  const values = [roomId, ...startOf(after), lookupMs, size + 1];
  const { rows } = await db.query<Row>({ name: 'list-room-sprinkles', text: LIST_OF_ROOM, values });
  return toPage(rows, size);
}

function startOf(after: SprinklePlace | undefined): [string, string] {
  return after
    ? [timestamptz(after.createdAt), after.id]
    : ['infinity', '00000000-0000-0000-0000-000000000000'];
}

function toPage(rows: readonly Row[], size: number): Page<SprinkleView, SprinklePlace> {
  return pageOf(rows.map(toView), size, ({ sprinkle }) => ({
    createdAt: sprinkle.createdAt,
    id: sprinkle.id,
  }));
}

/** The sprinkle of a room with this id, with its sealed seed. Only the primary's clock tells whether it is over. */
export async function findDraw(db: Pool, roomId: string, id: string): Promise<DrawView | undefined> {
  type DrawRow = Row & { sealed_seed: string | null; is_closed: boolean };
  const { rows } = await db.query<DrawRow>({ name: 'find-draw', text: FIND_DRAW, values: [id, roomId] });
  const [row] = rows;
  if (!row) return undefined;
  const view = toView(row);
  const isFinal = row.is_closed || leftMsOf(view.sprinkle, view.at) === 0;
  return { ...view, sealedSeed: row.sealed_seed ?? undefined, isFinal };
}

/** The first `count` claims of a sprinkle, in their order. */
export async function listClaims(db: Reader, sprinkleId: string, count: number): Promise<Claim[]> {
  type ClaimRow = { user_id: string; amount: string; nonce: string | null; created_at: string };
  const { rows } = await db.query<ClaimRow>({
    name: 'list-claims',
    text: CLAIMS,
    values: [sprinkleId, count],
  });
  return rows.map((row) => ({
    userId: BigInt(row.user_id),
    amount: BigInt(row.amount),
    createdAt: Number(row.created_at),
    nonce: row.nonce ?? undefined,
  }));
}

function toView(row: Row): SprinkleView {
  return { sprinkle: toSprinkle(row), claimedAmount: BigInt(row.claimed_amount), at: Number(row.now) };
}
