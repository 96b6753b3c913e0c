// The feed as those read it that send events on: webhooks and Kafka.
import { type EventSources, readAnnouncedEvents, readEvents, readFeedEnd } from '../../db/feed/index.ts';
import type { FeedEvent } from '../../domain/event.ts';

/** How far the feed goes. */
export interface FeedEnd {
  /** Another one begins after a restore. */
  readonly epoch: string;
  /** The last sequence that can be read. */
  readonly sequence: bigint;
  /** Events up to this one are kept no longer. */
  readonly purgedThrough: bigint;
}

/** The feed of events. */
export interface EventSource {
  end(): Promise<FeedEnd>;
  /**
   * The next events after a sequence, up to `limit` of them, in their order; fewer, and the feed has no more. Without transfers
   * these are not even read, however many there are between the others.
   */
  read(afterSequence: bigint, limit: number, withTransfers: boolean): Promise<FeedEvent[]>;
}

/** The feed in the database, with transfers of the archive where there is one. */
export function createEventSource(sources: EventSources): EventSource {
  return {
    end: () => readFeedEnd(sources.reads),
    async read(afterSequence, limit, withTransfers) {
      const { epoch } = await readFeedEnd(sources.reads);
      const read = withTransfers ? readEvents : readAnnouncedEvents;
      return read(sources, epoch, afterSequence, limit);
    },
  };
}
