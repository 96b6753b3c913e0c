// The feed, from the primary: a replica may lack what a caller has been told of.
import {
  checkAt,
  checkPlace,
  type EventSources,
  type FeedEnd,
  type PlaceState,
  readAnnouncedEvents,
  readEvents,
  readFeedEnd,
} from '../db/feed/index.ts';
import type { FeedEvent, FeedPlace } from '../domain/event.ts';
import { createPoller, createSingleflight, type NewsOrQuiet, QUIET } from '../resilience/index.ts';
import type { ReadSources } from './sources.ts';

/** Poll interval in milliseconds. */
const POLL_AFTER_MS = 150;

/** What a stream knows of how far the feed goes. */
type SeenEnd = Pick<FeedEnd, 'epoch' | 'sequence'>;

/** Reads events. Everything throws what Postgres does. */
export interface EventRepository {
  /** How far the feed goes. */
  end(): Promise<FeedEnd>;
  /**
   * How far the feed goes, as soon as a poll finds that it goes beyond a number, or is another one; QUIET where it does not within
   * `quietMs` milliseconds. All who wait share the poll. Rejects with the signal's reason once that is aborted.
   */
  next(seen: SeenEnd, quietMs: number, signal: AbortSignal): Promise<NewsOrQuiet<FeedEnd>>;
  /** Whether reading may go on after a place. */
  checkPlace(end: FeedEnd, place: FeedPlace): Promise<PlaceState>;
  /** The place after the entry with this number. */
  placeAt(epoch: string, sequence: bigint): Promise<FeedPlace>;
  /** Up to `limit` events after a number, in their order, as those of an epoch; fewer, and there are no more. */
  after(epoch: string, sequence: bigint, limit: number): Promise<FeedEvent[]>;
  /** The same without transfers, however many are between. */
  announcementsAfter(epoch: string, sequence: bigint, limit: number): Promise<FeedEvent[]>;
}

export function createEventRepository({
  primary,
  archive,
  onMissingTransfers,
}: Pick<ReadSources, 'primary' | 'archive'> & Pick<EventSources, 'onMissingTransfers'>): EventRepository {
  const sources = { reads: primary, archive, onMissingTransfers };
  const poller = createPoller(POLL_AFTER_MS, async (seen: readonly SeenEnd[]) => {
    const end = await readFeedEnd(primary);
    const isSeen = ({ epoch, sequence }: SeenEnd) => epoch === end.epoch && sequence === end.sequence;
    return seen.map((one) => (isSeen(one) ? QUIET : end));
  });
  // Streams that have read everything wake together and want the same: two reads serve all of them.
  const shared = createSingleflight();
  return {
    end: () => readFeedEnd(primary),
    next: poller.next,
    checkPlace: (end, place) => checkPlace(primary, end, place),
    placeAt: async (epoch, sequence) => ({ epoch, sequence, check: await checkAt(primary, sequence) }),
    after: (epoch, sequence, limit) =>
      shared.do(`all ${epoch} ${sequence} ${limit}`, () => readEvents(sources, epoch, sequence, limit)),
    announcementsAfter: (epoch, sequence, limit) =>
      shared.do(`announced ${epoch} ${sequence} ${limit}`, () =>
        readAnnouncedEvents(sources, epoch, sequence, limit),
      ),
  };
}
