// Places of the feed, as its segments have them, and the transfers in them.
import type { Micros } from '../../domain/time.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import { findMovedTransfers, type TransferPlaces } from '../archive/index.ts';
import type { Reader } from '../pool.ts';
import { type PostedRow, selectTransfers, toPosted, withHolds } from '../reads/index.ts';
import { microsOf, plainArray, timestamptz } from '../sql.ts';

/** An entry of the feed, before what it tells is read. */
export interface SealedPlace {
  readonly sequence: bigint;
  /** The number among the transfers; undefined for an announcement. */
  readonly leaf: bigint | undefined;
  readonly id: string;
}

/** Places in their order, and the moments between which their transfers were made. */
export interface SealedPlaces {
  readonly places: readonly SealedPlace[];
  readonly firstAt: Micros;
  readonly lastAt: Micros;
}

/** Segments that one statement reads: under load each has hundreds of entries, and else few. */
const SEGMENTS = 32;

const COLUMNS = `first_sequence, last_sequence, first_leaf, next_leaf, ids::text AS ids, announced,
  ${microsOf('first_at')} AS first_at, ${microsOf('last_at')} AS last_at`;

const AFTER = `SELECT ${COLUMNS} FROM feed_segments WHERE last_sequence > $1 ORDER BY last_sequence LIMIT ${SEGMENTS}`;

const ANNOUNCING = `
  SELECT ${COLUMNS} FROM feed_segments WHERE last_sequence > $1 AND announced <> '{}'
  ORDER BY last_sequence LIMIT ${SEGMENTS}`;

const FROM_LEAF = `
  SELECT ${COLUMNS} FROM feed_segments WHERE next_leaf > $1 AND next_leaf > first_leaf
  ORDER BY next_leaf LIMIT ${SEGMENTS}`;

interface SegmentRow {
  first_sequence: string;
  last_sequence: string;
  first_leaf: string;
  next_leaf: string;
  ids: string;
  announced: number[];
  first_at: string | null;
  last_at: string | null;
}

/** What is read of the feed: entries after a number, announcements alone, or transfers from a leaf on. */
const READS = {
  entries: {
    statement: { name: 'feed-after', text: AFTER },
    isWanted: (place: SealedPlace, after: bigint) => place.sequence > after,
    next: (row: SegmentRow) => BigInt(row.last_sequence),
  },
  announcements: {
    statement: { name: 'feed-announcing', text: ANNOUNCING },
    isWanted: (place: SealedPlace, after: bigint) => place.sequence > after && place.leaf === undefined,
    next: (row: SegmentRow) => BigInt(row.last_sequence),
  },
  leaves: {
    statement: { name: 'feed-from-leaf', text: FROM_LEAF },
    isWanted: (place: SealedPlace, from: bigint) => place.leaf !== undefined && place.leaf >= from,
    next: (row: SegmentRow) => BigInt(row.next_leaf),
  },
} as const;

/** Up to `limit` places, from a number or a leaf on. */
export async function readPlaces(
  db: Reader,
  what: keyof typeof READS,
  start: bigint,
  limit: number,
): Promise<SealedPlaces> {
  const { statement, isWanted, next } = READS[what];
  const places: SealedPlace[] = [];
  let [firstAt, lastAt] = [Number.MAX_SAFE_INTEGER, 0];
  for (let from = start; places.length < limit; ) {
    const { rows } = await db.query<SegmentRow>({ ...statement, values: [from] });
    for (const row of rows) {
      if (places.length >= limit) break;
      for (const place of placesOf(row)) if (isWanted(place, start)) places.push(place);
      if (row.first_at !== null) firstAt = Math.min(firstAt, Number(row.first_at));
      if (row.last_at !== null) lastAt = Math.max(lastAt, Number(row.last_at));
      from = next(row);
    }
    if (rows.length < SEGMENTS) break;
  }
  return { places: places.slice(0, limit), firstAt, lastAt };
}

function placesOf(row: SegmentRow): SealedPlace[] {
  const sequence = BigInt(row.first_sequence);
  const announced = new Set(row.announced);
  let leaf = BigInt(row.first_leaf);
  return row.ids
    .slice(1, -1)
    .split(',')
    .map((id, index) => ({
      sequence: sequence + BigInt(index),
      leaf: announced.has(index + 1) ? undefined : leaf++,
      id,
    }));
}

/** Transfers by the moments that their segments state, so that no month besides theirs is read. */
const FIND = selectTransfers('id = ANY ($1::uuid[]) AND created_at >= $2 AND created_at <= $3');

/** The transfers among places, by their ids, also those of the archive. */
export async function findSealedTransfers(
  places: TransferPlaces,
  { places: sealed, firstAt, lastAt }: SealedPlaces,
): Promise<ReadonlyMap<string, PostedTransfer>> {
  const ids = sealed.filter(({ leaf }) => leaf !== undefined).map(({ id }) => id);
  if (ids.length === 0) return new Map();
  const values = [plainArray(ids), timestamptz(firstAt), timestamptz(lastAt)];
  const { rows } = await places.reads.query<PostedRow>({ name: 'feed-transfers', text: FIND, values });
  const found = new Map(rows.map((row) => [row.id, toPosted(row)]));
  const missing = ids.filter((id) => !found.has(id));
  for (const posted of await findMovedTransfers(places, missing)) found.set(posted.transfer.id, posted);
  const named = await withHolds(places.reads, [...found.values()]);
  return new Map(named.map((posted) => [posted.transfer.id, posted]));
}
