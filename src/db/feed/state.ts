// How far the feed goes, and whether a place that a caller remembers is still a place of it.
import { checkOf, type FeedPlace, NO_CHECK } from '../../domain/event.ts';
import type { Reader } from '../pool.ts';

/** How far the feed goes. */
export interface FeedEnd {
  /** Another one begins after a restore. */
  readonly epoch: string;
  /** The number of the last entry; 0 where there is none. */
  readonly sequence: bigint;
  /** How many transfers there are among the entries. */
  readonly leaves: bigint;
  /** Events up to this number are no longer kept. */
  readonly purgedThrough: bigint;
}

const END = 'SELECT epoch, last_sequence, leaves, purged_through FROM feed_end';

/** Never of a replica: a caller may have been told of what that has not replayed. */
export async function readFeedEnd(db: Reader): Promise<FeedEnd> {
  type Row = { epoch: string; last_sequence: string; leaves: string; purged_through: string };
  const { rows } = await db.query<Row>({ name: 'feed-end', text: END, values: [] });
  const [row] = rows;
  if (!row) throw new Error('the row of the feed is missing');
  return {
    epoch: row.epoch,
    sequence: BigInt(row.last_sequence),
    leaves: BigInt(row.leaves),
    purgedThrough: BigInt(row.purged_through),
  };
}

/** What became of a place: `live`, of a feed that no longer exists, or followed by events that are no longer kept. */
export type PlaceState = 'live' | 'restarted' | 'expired';

const ID_AT = `
  SELECT ids[$1::bigint - first_sequence + 1] AS id FROM feed_segments
  WHERE last_sequence >= $1 ORDER BY last_sequence LIMIT 1`;

/**
 * Whether reading may go on after a place. A database that was restored without `npm run restore`, or a standby that was promoted
 * without the last seals, keeps the epoch: there the entry that the place is after is another one, or none.
 */
export async function checkPlace(db: Reader, end: FeedEnd, place: FeedPlace): Promise<PlaceState> {
  if (place.epoch !== end.epoch || place.sequence > end.sequence) return 'restarted';
  if (place.sequence < end.purgedThrough) return 'expired';
  if (place.sequence === 0n) return place.check === NO_CHECK ? 'live' : 'restarted';
  return (await checkAt(db, place.sequence)) === place.check ? 'live' : 'restarted';
}

/** The check of the entry with this number; that of the start where there is none. */
export async function checkAt(db: Reader, sequence: bigint): Promise<string> {
  if (sequence === 0n) return NO_CHECK;
  const { rows } = await db.query<{ id: string | null }>({
    name: 'feed-id-at',
    text: ID_AT,
    values: [sequence],
  });
  return rows[0]?.id ? checkOf(rows[0].id) : NO_CHECK;
}
