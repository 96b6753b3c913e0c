// Entries of the feed with what they tell.
import type { AnnouncedFacts, EventType } from '../../domain/event.ts';
import type { Micros } from '../../domain/time.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import type { TransferPlaces } from '../archive/index.ts';
import type { Reader } from '../pool.ts';
import { microsOf, plainArray } from '../sql.ts';
import { findSealedTransfers, readPlaces, type SealedPlaces } from './segments.ts';

/** What is told besides transfers. */
export interface Announcement {
  readonly type: EventType;
  readonly subject: string;
  readonly userIds: readonly bigint[];
  readonly occurredAt: Micros;
  readonly facts: AnnouncedFacts;
}

/**
 * An entry of the feed: a transfer, or an announcement. One with neither is a transfer that was lost: nothing of ours deletes one, so
 * the database was changed behind the program.
 */
export type FeedEntry = { readonly sequence: bigint; readonly id: string } & (
  | { readonly leaf: bigint; readonly transfer: PostedTransfer | undefined; readonly announcement?: never }
  | { readonly announcement: Announcement; readonly leaf?: never; readonly transfer?: never }
);

/** Up to `limit` entries after a number, in their order. Fewer than that, and the feed has no more. */
export async function readEntries(
  places: TransferPlaces,
  afterSequence: bigint,
  limit: number,
): Promise<FeedEntry[]> {
  return fill(places, 'entries', afterSequence, limit);
}

/** The same of announcements alone, however many transfers are between them. */
export async function readAnnouncements(
  places: TransferPlaces,
  afterSequence: bigint,
  limit: number,
): Promise<FeedEntry[]> {
  return fill(places, 'announcements', afterSequence, limit);
}

/** Reads on where announcements among the places are deleted: a page that is not full would pass for the last one. */
async function fill(
  places: TransferPlaces,
  what: 'entries' | 'announcements',
  afterSequence: bigint,
  limit: number,
): Promise<FeedEntry[]> {
  const entries: FeedEntry[] = [];
  for (let after = afterSequence; entries.length < limit; ) {
    const wanted = limit - entries.length;
    const sealed = await readPlaces(places.reads, what, after, wanted);
    entries.push(...(await toEntries(places, sealed)));
    const last = sealed.places.at(-1);
    if (!last || sealed.places.length < wanted) break;
    after = last.sequence;
  }
  return entries;
}

async function toEntries(places: TransferPlaces, sealed: SealedPlaces): Promise<FeedEntry[]> {
  const announced = sealed.places.filter(({ leaf }) => leaf === undefined).map(({ id }) => id);
  const [transfers, announcements] = await Promise.all([
    findSealedTransfers(places, sealed),
    findAnnouncements(places.reads, announced),
  ]);
  return sealed.places.flatMap(({ sequence, leaf, id }): FeedEntry[] => {
    if (leaf === undefined) {
      const announcement = announcements.get(id);
      // Those of old events are deleted.
      return announcement ? [{ sequence, id, announcement }] : [];
    }
    return [{ sequence, id, leaf, transfer: transfers.get(id) }];
  });
}

const FIND = `
  SELECT id, type, subject, user_ids::text[] AS user_ids, ${microsOf('occurred_at')} AS occurred_at, data
  FROM announcements WHERE id = ANY ($1::uuid[])`;

interface AnnouncementRow {
  id: string;
  type: EventType;
  subject: string;
  user_ids: string[];
  occurred_at: string;
  data: AnnouncedFacts;
}

async function findAnnouncements(
  db: Reader,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Announcement>> {
  if (ids.length === 0) return new Map();
  const { rows } = await db.query<AnnouncementRow>({
    name: 'feed-announcements',
    text: FIND,
    values: [plainArray(ids)],
  });
  return new Map(
    rows.map(({ id, type, subject, user_ids, occurred_at, data }) => [
      id,
      { type, subject, userIds: user_ids.map(BigInt), occurredAt: Number(occurred_at), facts: data },
    ]),
  );
}
