// The messages of an event: CloudEvents 1.0 in the structured mode of its Kafka binding, one for each wallet.
import type { FeedEvent } from '../../domain/event.ts';
import { bodyOf, walletsOf } from '../feed/index.ts';
import type { FeedNotice, KafkaMessage } from './tools.ts';

/** The most bytes of values in a request: far below the 1 MiB that brokers take by default. */
const MOST_BYTES = 512 * 1024;
/** The key of notices, because a topic that is compacted takes none without one. */
const NOTICE_KEY = 'feed';

/** Events that are sent in one request. */
export interface EventBatch {
  readonly messages: readonly KafkaMessage[];
  readonly events: number;
  /** The sequence of the last one. */
  readonly through: bigint;
}

/**
 * The messages of an event. Kafka orders what has the same key, so each wallet has one under its id, and a transfer between two
 * wallets is sent twice; an event that is about no wallet has one under its subject.
 */
export function messagesOf(event: FeedEvent): KafkaMessage[] {
  const wallets = walletsOf(event);
  const value = bodyOf(event);
  return (wallets.length > 0 ? wallets : [event.subject]).map((key) => ({ key, value }));
}

/** The message that tells readers of a notice. It has an id and a type like events, and no sequence. */
export function noticeMessage({ type, epoch, afterSequence, throughSequence }: FeedNotice): KafkaMessage {
  const value = {
    specversion: '1.0',
    id: `${type}/${epoch}/${afterSequence}`,
    source: '/ppuri',
    type,
    datacontenttype: 'application/json',
    data: { after_sequence: String(afterSequence), through_sequence: String(throughSequence) },
  };
  return { key: NOTICE_KEY, value: JSON.stringify(value) };
}

/** Cuts events, in their order, into requests that brokers take; an event is never cut. */
export function* batchesOf(events: readonly FeedEvent[]): Generator<EventBatch> {
  let messages: KafkaMessage[] = [];
  let [count, bytes, through] = [0, 0, 0n];
  for (const event of events) {
    const own = messagesOf(event);
    const size = own.reduce((sum, { value }) => sum + Buffer.byteLength(value), 0);
    if (count > 0 && bytes + size > MOST_BYTES) {
      yield { messages, events: count, through };
      [messages, count, bytes] = [[], 0, 0];
    }
    messages.push(...own);
    [count, bytes, through] = [count + 1, bytes + size, event.sequence];
  }
  if (count > 0) yield { messages, events: count, through };
}
