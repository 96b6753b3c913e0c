// What is sent of an event: under which keys, and how many in a request.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toCloudEvent } from '../../src/domain/cloud-event.ts';
import { batchesOf, messagesOf, noticeMessage } from '../../src/worker/kafka/messages.ts';
import { eventOf } from './events.ts';

const keysOf = (...wallets: readonly string[]) => messagesOf(eventOf(7, ...wallets)).map(({ key }) => key);

test('an event has a message for each of its wallets, and one under its subject where it has none', () => {
  assert.deepEqual(keysOf('anna', 'bora'), ['anna', 'bora']);
  assert.deepEqual(keysOf('anna', 'anna'), ['anna']);
  assert.deepEqual(keysOf(), ['holds/7']);
});

test('each message is the whole event in structured mode, as webhooks have it', () => {
  const event = eventOf(7, 'anna', 'bora');
  for (const { value } of messagesOf(event)) assert.deepEqual(JSON.parse(value), toCloudEvent(event));
});

test('requests stay below what brokers take, and no event is cut or left out', () => {
  const events = Array.from({ length: 40 }, (_, index) => eventOf(index + 1, 'w'.repeat(20_000), `${index}`));
  const batches = [...batchesOf(events)];
  assert.ok(batches.length > 1);
  for (const { messages } of batches)
    assert.ok(messages.reduce((sum, { value }) => sum + value.length, 0) < 1024 * 1024);
  assert.deepEqual(
    batches.flatMap(({ messages }) => messages),
    events.flatMap(messagesOf),
  );
  assert.equal(
    batches.reduce((sum, batch) => sum + batch.events, 0),
    events.length,
  );
  assert.equal(batches.at(-1)?.through, 40n);
  assert.deepEqual([...batchesOf([])], []);
});

test('a notice is a CloudEvent that says between which events the feed has a break', () => {
  const epoch = '0123456789abcdef';
  const notice = noticeMessage({ type: 'feed.expired', epoch, afterSequence: 2n, throughSequence: 4n });
  assert.equal(notice.key, 'feed');
  const { specversion, id, source, type, data } = JSON.parse(notice.value);
  assert.deepEqual([specversion, source, type], ['1.0', '/ppuri', 'feed.expired']);
  assert.equal(id, `feed.expired/${epoch}/2`);
  assert.deepEqual(data, { after_sequence: '2', through_sequence: '4' });
});
