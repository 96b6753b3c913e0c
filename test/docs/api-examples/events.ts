// The examples of events: the first ones of the feed, listed and streamed, and a cursor of another feed.
import { connect, type Json } from '../../../clients/typescript/src/connection.ts';
import { sealFeed } from '../../../src/db/feed/index.ts';
import type { Stack } from '../../stack.ts';
import { createTestPool } from '../../test-pool.ts';
import type { Recorder } from './recorder.ts';

const [LIST, STREAM] = ['wallet.v2.EventService/ListEvents', 'wallet.v2.EventService/StreamEvents'];

/** Seals what has happened so far, as a worker does, and reads the first of it. */
export async function events(record: Recorder, stack: Stack): Promise<void> {
  const worker = createTestPool(stack.database.workerUrl);
  await sealFeed(worker);
  await worker.end();
  await record.done(LIST, { types: ['transfer.posted', 'sprinkle.created'], page_size: 2 }, {});
  await record.refused('FEED_RESTARTED', LIST, { after_cursor: 'A'.repeat(27) }, {});
  const connection = connect(stack.grpcAddress, stack.key);
  const messages: Json[] = [];
  for await (const message of connection.stream(STREAM, { types: ['sprinkle.created'] }, {})) {
    messages.push(message);
    break;
  }
  connection.close();
  record.keep(STREAM, { types: ['sprinkle.created'] }, {}, messages);
}
