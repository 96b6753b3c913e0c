// What sending to Kafka works with.
import type { Pool } from '../../db/pool.ts';
import type { EventSource } from '../feed/index.ts';

/** What is sent: a CloudEvent in structured mode, under a key whose messages stay in order. */
export interface KafkaMessage {
  readonly key: string;
  readonly value: string;
}

/** The topic that events are sent to. Each of its errors has a `code`, and none holds a secret. */
export interface EventTopic extends AsyncDisposable {
  /** Resolves once all in-sync replicas have all of them. Where it throws, any of them may have arrived. */
  send(messages: readonly KafkaMessage[]): Promise<void>;
  /** The same with one message for each partition. */
  sendToAll(message: KafkaMessage): Promise<void>;
}

/** Records how sending goes, for metrics and logs. It does not throw. */
export interface KafkaObserver {
  /** So many events have arrived. */
  sent(events: number): void;
  /** Something did not work and will be tried again. */
  failed(error: unknown): void;
  /** Readers of the topic were told that what they have is no longer all of the feed, or more than it. */
  told(what: FeedNotice): void;
}

/** What readers of the topic are told besides events. */
export interface FeedNotice {
  /** The feed begins again after a restore, or events were deleted before they were sent. */
  readonly type: 'feed.restarted' | 'feed.expired';
  readonly epoch: string;
  /** The last event before it. */
  readonly afterSequence: bigint;
  /** The last event that is missing; the same where none is. */
  readonly throughSequence: bigint;
}

/** How long the sink waits, in milliseconds. */
export interface KafkaTimes {
  /** How often it asks what is new. */
  readonly pollMs: number;
  /** How long the topic stays with a worker that died. */
  readonly leaseMs: number;
  /** How long it waits after a failure: twice as long after each further one, up to the second. */
  readonly retryMs: readonly [first: number, most: number];
}

/** What sending works with. */
export interface KafkaTools {
  readonly pool: Pool;
  readonly feed: EventSource;
  /** Its name. */
  readonly topic: string;
  readonly target: EventTopic;
  readonly observer: KafkaObserver;
  readonly times: KafkaTimes;
}
