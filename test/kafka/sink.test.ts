// Sending to Kafka without a broker: when the place is saved, who sends, and what readers are told of breaks in the feed.
// test/ops/kafka has the real one.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { readFeedEnd } from '../../src/db/feed/index.ts';
import { holdKafkaTopic, releaseKafkaTopic, saveKafkaPlace } from '../../src/db/kafka.ts';
import type { Pool } from '../../src/db/pool.ts';
import { createKafkaSink } from '../../src/worker/kafka/sink.ts';
import type { EventTopic, FeedNotice, KafkaMessage } from '../../src/worker/kafka/tools.ts';
import { makeDatabase, type TestDatabase } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';
import { until } from '../until.ts';
import { MemoryFeed } from './events.ts';

const LEASE_MS = 60_000;
const TIMES = { pollMs: 5, leaseMs: LEASE_MS, retryMs: [5, 20] } as const;

let database: TestDatabase;
let pool: Pool;
let epoch: string;
before(async () => {
  database = await makeDatabase();
  pool = createTestPool(database.workerUrl);
  ({ epoch } = await readFeedEnd(pool));
});
after(async () => {
  await pool.end();
  await database.drop();
});

/** A topic whose answers a test decides: `answer` is called with each request before anything arrives. */
class MemoryTopic implements EventTopic {
  readonly arrived: string[] = [];
  answer: (messages: readonly KafkaMessage[]) => Promise<void> = async () => {};
  isClosed = false;

  async send(messages: readonly KafkaMessage[]): Promise<void> {
    await this.answer(messages);
    for (const { value } of messages) this.arrived.push(JSON.parse(value).id);
  }

  sendToAll(message: KafkaMessage): Promise<void> {
    return this.send([message]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true;
  }
}

/** A sink to a topic of its own, with what it records. */
function startSink(feed: MemoryFeed, target: EventTopic, topic: string = randomUUID()) {
  const failed: unknown[] = [];
  const told: FeedNotice[] = [];
  let sent = 0;
  const observer = {
    sent: (events: number) => {
      sent += events;
    },
    failed: (error: unknown) => failed.push(error),
    told: (notice: FeedNotice) => told.push(notice),
  };
  const sink = createKafkaSink({ pool, feed, topic, target, observer, times: TIMES });
  return { topic, failed, told, sent: () => sent, [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose]() };
}

const placeOf = async (topic: string) => {
  const { rows } = await pool.query<{ at: string }>(
    'SELECT last_sequence AS at FROM kafka_cursors WHERE topic = $1',
    [topic],
  );
  return Number(rows[0]?.at ?? -1);
};
const idsTo = (last: number, first = 1) =>
  Array.from({ length: last - first + 1 }, (_, index) => `event-${first + index}`);

test('the place is saved once the brokers have acknowledged what is before it, and not earlier', async () => {
  const [feed, target] = [new MemoryFeed(epoch), new MemoryTopic()];
  feed.extend(3);
  const [asked, acknowledged] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  target.answer = () => {
    asked.resolve();
    return acknowledged.promise;
  };
  await using sink = startSink(feed, target);
  await asked.promise;
  assert.equal(await placeOf(sink.topic), 0);
  acknowledged.resolve();
  await until('the place is saved', async () => (await placeOf(sink.topic)) === 3);
  assert.deepEqual(target.arrived, idsTo(3));
  await until('they are counted', () => sink.sent() === 3);
  feed.extend(1_200);
  await until('more than one reading', async () => (await placeOf(sink.topic)) === 1_200);
  assert.deepEqual(target.arrived, idsTo(1_200));
});

/** The first two requests fail, as when a broker is away. */
const failTwice = (target: MemoryTopic) => {
  let left = 2;
  target.answer = async () => {
    if (left-- > 0) throw new Error('the broker is away');
  };
};

test('what fails is sent again, and nothing is left out', async () => {
  const [feed, target] = [new MemoryFeed(epoch), new MemoryTopic()];
  feed.extend(4);
  failTwice(target);
  await using sink = startSink(feed, target);
  await until('the place is saved', async () => (await placeOf(sink.topic)) === 4);
  assert.deepEqual(target.arrived, idsTo(4));
  assert.equal(sink.failed.length, 2);
});

test('a place that is saved before the acknowledgement loses events', async () => {
  const [feed, target] = [new MemoryFeed(epoch), new MemoryTopic()];
  feed.extend(4);
  failTwice(target);
  const hasty: EventTopic = {
    send: async (messages) => void target.send(messages).catch(() => {}),
    sendToAll: (message) => target.sendToAll(message),
    [Symbol.asyncDispose]: async () => {},
  };
  await using sink = startSink(feed, hasty);
  for (const last of [4, 5, 6]) {
    feed.extend(last);
    await until('the place is saved', async () => (await placeOf(sink.topic)) === last);
  }
  assert.deepEqual(target.arrived, ['event-6']);
});

test('a topic has one worker at a time, and its place only goes on', async () => {
  const topic = randomUUID();
  const sender = () => ({ topic, worker: randomUUID(), leaseMs: LEASE_MS });
  const [one, other] = [sender(), sender()];
  const at = (sequence: bigint) => ({ epoch, sequence });
  assert.deepEqual(await holdKafkaTopic(pool, one), at(0n));
  assert.deepEqual(await holdKafkaTopic(pool, one), at(0n), 'it keeps it');
  assert.equal(await holdKafkaTopic(pool, other), undefined);
  assert.ok(await saveKafkaPlace(pool, one, at(0n), at(5n)));
  // It dies, and its lease is over.
  await pool.query(`UPDATE kafka_cursors SET lease_until = now() WHERE topic = $1`, [topic]);
  assert.deepEqual(await holdKafkaTopic(pool, other), at(5n));
  // It was only slow, and its request arrived: nobody else got on yet.
  assert.ok(await saveKafkaPlace(pool, one, at(5n), at(8n)));
  assert.equal(await saveKafkaPlace(pool, other, at(5n), at(6n)), false);
  assert.deepEqual(await holdKafkaTopic(pool, other), at(8n));
  assert.equal(await holdKafkaTopic(pool, one), undefined);
  await releaseKafkaTopic(pool, one);
  assert.equal(await holdKafkaTopic(pool, one), undefined, 'it was not its own');
  await releaseKafkaTopic(pool, other);
  assert.deepEqual(await holdKafkaTopic(pool, one), at(8n));
});

test('a sink that stops leaves the topic to another one, which goes on behind it', async () => {
  const feed = new MemoryFeed(epoch);
  const [first, second] = [new MemoryTopic(), new MemoryTopic()];
  feed.extend(2);
  const one = startSink(feed, first);
  await until('the first sends', async () => (await placeOf(one.topic)) === 2);
  await using other = startSink(feed, second, one.topic);
  feed.extend(4);
  await until('the first goes on', async () => (await placeOf(one.topic)) === 4);
  await one[Symbol.asyncDispose]();
  assert.ok(first.isClosed);
  feed.extend(6);
  await until('the second goes on', async () => (await placeOf(other.topic)) === 6);
  assert.deepEqual(first.arrived, idsTo(4));
  assert.deepEqual(second.arrived, idsTo(6, 5));
});

/** A topic whose place stands here, saved in this epoch. */
async function topicAt(sequence: number, of = epoch): Promise<string> {
  const topic = randomUUID();
  const values = [topic, of, sequence];
  await pool.query('INSERT INTO kafka_cursors (topic, epoch, last_sequence) VALUES ($1, $2, $3)', values);
  return topic;
}

test('after a restore readers are told once, and sending goes on from the place that was restored', async () => {
  const [feed, target] = [new MemoryFeed(epoch), new MemoryTopic()];
  feed.extend(7);
  await using sink = startSink(feed, target, await topicAt(5, 'aaaaaaaaaaaaaaaa'));
  await until('all is sent', async () => (await placeOf(sink.topic)) === 7);
  assert.deepEqual(target.arrived, [`feed.restarted/${epoch}/5`, ...idsTo(7, 6)]);
  assert.deepEqual(sink.told, [{ type: 'feed.restarted', epoch, afterSequence: 5n, throughSequence: 5n }]);
});

test('events that were deleted before they were sent are told', async () => {
  const [feed, target] = [new MemoryFeed(epoch), new MemoryTopic()];
  feed.extend(6, 4);
  await using sink = startSink(feed, target, await topicAt(2));
  await until('all is sent', async () => (await placeOf(sink.topic)) === 6);
  assert.deepEqual(target.arrived, [`feed.expired/${epoch}/2`, ...idsTo(6, 5)]);
  assert.deepEqual(sink.told, [{ type: 'feed.expired', epoch, afterSequence: 2n, throughSequence: 4n }]);
});

test('events that are deleted while they are read are told, not passed over', async () => {
  const [feed, target] = [new MemoryFeed(epoch), new MemoryTopic()];
  feed.extend(6);
  feed.beforeRead = () => feed.extend(6, 3);
  await using sink = startSink(feed, target);
  await until('all is sent', async () => (await placeOf(sink.topic)) === 6);
  assert.deepEqual(target.arrived, [`feed.expired/${epoch}/0`, ...idsTo(6, 4)]);
});

test('the client of Kafka is loaded by a dynamic import alone', () => {
  const folder = new URL('../../src/worker/kafka/', import.meta.url);
  const lines = readdirSync(folder)
    .flatMap((file) => readFileSync(new URL(file, folder), 'utf8').split('\n'))
    .filter((line) => line.includes("'@platformatic/kafka'"));
  assert.deepEqual(lines, [
    `import type { Producer } from '@platformatic/kafka';`,
    `  const client = await import('@platformatic/kafka');`,
  ]);
});
