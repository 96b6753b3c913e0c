// Sends the feed to a topic of Kafka. One worker does at a time, by a lease, and nothing depends on that but doubles. The place in the
// feed is moved on only once the brokers have acknowledged everything up to it, so each request begins after events that have arrived,
// whichever worker sends it and however late: in each partition events arrive first in the order of the feed, and none is left out.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  holdKafkaTopic,
  type KafkaPlace,
  type KafkaSender,
  releaseKafkaTopic,
  saveKafkaPlace,
} from '../../db/kafka.ts';
import { batchesOf, noticeMessage } from './messages.ts';
import type { FeedNotice, KafkaTimes, KafkaTools } from './tools.ts';

/** The times of workers in production; tests have shorter ones. */
export const KAFKA_TIMES: KafkaTimes = { pollMs: 100, leaseMs: 10_000, retryMs: [500, 10_000] };

/** How many events are read of the feed at a time. */
const READ_AT_ONCE = 500;
/** A worker whose turn it is not asks less often. */
const IDLE_FACTOR = 5;
/** How long a request that is under way may take when the worker stops, in milliseconds. */
const STOP_MS = 2_000;

/** Starts it. Disposing of it lets the request under way end, and leaves the topic to another worker. */
export function createKafkaSink(tools: KafkaTools): AsyncDisposable {
  const sink = new KafkaSink(tools);
  return { [Symbol.asyncDispose]: () => sink.stop() };
}

class KafkaSink {
  readonly #tools: KafkaTools;
  readonly #sender: KafkaSender;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(tools: KafkaTools) {
    this.#tools = tools;
    this.#sender = { topic: tools.topic, worker: randomUUID(), leaseMs: tools.times.leaseMs };
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.race([this.#running, sleep(STOP_MS, undefined, { ref: false })]);
    await this.#tools.target[Symbol.asyncDispose]();
    await this.#running;
    await releaseKafkaTopic(this.#tools.pool, this.#sender).catch((error: unknown) =>
      this.#tools.observer.failed(error),
    );
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { observer, times } = this.#tools;
    let failures = 0;
    while (!signal.aborted) {
      let waitMs: number;
      try {
        waitMs = (await this.#sendAll()) ? times.pollMs : IDLE_FACTOR * times.pollMs;
        failures = 0;
      } catch (error) {
        const [first, most] = times.retryMs;
        waitMs = Math.min(first * 2 ** failures, most);
        failures += 1;
        if (!signal.aborted) observer.failed(error);
      }
      await sleep(waitMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Sends what is new; returns whether it is this worker's turn. */
  async #sendAll(): Promise<boolean> {
    const { pool, feed } = this.#tools;
    let place = await holdKafkaTopic(pool, this.#sender);
    const isOurs = place !== undefined;
    while (place && !this.#stopping.signal.aborted) {
      const { epoch, sequence, purgedThrough } = await feed.end();
      if (place.epoch !== epoch) place = await this.#tell('feed.restarted', place, { ...place, epoch });
      else if (place.sequence < purgedThrough)
        place = await this.#tell('feed.expired', place, { epoch, sequence: purgedThrough });
      else if (place.sequence < sequence) place = await this.#sendNext(place);
      else break;
    }
    return isOurs;
  }

  /** Sends the next events; undefined where there are none, or another worker got on meanwhile. */
  async #sendNext(from: KafkaPlace): Promise<KafkaPlace | undefined> {
    const { feed, target, observer } = this.#tools;
    const events = await feed.read(from.sequence, READ_AT_ONCE, true);
    // What was deleted while it was read is told, not passed over.
    if ((await feed.end()).purgedThrough > from.sequence) return from;
    let place: KafkaPlace | undefined = events.length > 0 ? from : undefined;
    for (const { messages, events: count, through } of batchesOf(events)) {
      if (!place || this.#stopping.signal.aborted) break;
      await target.send(messages);
      place = await this.#moveOn(place, { ...place, sequence: through });
      if (place) observer.sent(count);
    }
    return place;
  }

  async #tell(type: FeedNotice['type'], from: KafkaPlace, to: KafkaPlace): Promise<KafkaPlace | undefined> {
    const notice = { type, epoch: to.epoch, afterSequence: from.sequence, throughSequence: to.sequence };
    await this.#tools.target.sendToAll(noticeMessage(notice));
    const place = await this.#moveOn(from, to);
    if (place) this.#tools.observer.told(notice);
    return place;
  }

  async #moveOn(from: KafkaPlace, to: KafkaPlace): Promise<KafkaPlace | undefined> {
    return (await saveKafkaPlace(this.#tools.pool, this.#sender, from, to)) ? to : undefined;
  }
}
