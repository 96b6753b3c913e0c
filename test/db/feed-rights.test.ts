// What a login of the system may not do to the feed, also in the hands of an intruder: tell what did not happen, and hide what did.
import { after, before } from 'node:test';
import { makeDatabase, type TestDatabase } from '../stack.ts';
import { type Forbidden, refused } from './as-role.ts';

let database: TestDatabase;
before(async () => {
  database = await makeDatabase();
});
after(() => database.drop());

const ALL: readonly Forbidden[] = [
  `INSERT INTO announcements (type, subject, user_ids, data) VALUES ('wallet.closed', 'wallets/1', '{1}', '{}')`,
  `UPDATE announcements SET data = '{}'`,
  'DELETE FROM announcements',
  'TRUNCATE announcements',
  `SELECT announce('wallet.closed', 'wallets/1', '{1}', '{}')`,
  `UPDATE feed_state SET epoch = '0123456789abcdef'`,
  'UPDATE feed_state SET next_transaction = next_transaction + 1',
  'SELECT FROM feed_state FOR UPDATE',
  'DELETE FROM feed_state',
  'UPDATE feed_segments SET last_sequence = last_sequence + 1',
  'DELETE FROM feed_segments',
  'TRUNCATE feed_segments',
  `INSERT INTO feed_segments (last_sequence, first_sequence, first_leaf, next_leaf, ids, announced, writers)
   VALUES (1, 1, 0, 1, ARRAY[gen_random_uuid()], '{}', '[1,1]')`,
];

refused('ppuri_app', () => [database.appUrl, database.ownerUrl], [
  ...ALL,
  'SELECT seal_feed()',
  'SELECT purge_events(1)',
  'SELECT oldest_unsealed()',
]);
refused('ppuri_worker', () => [database.workerUrl, database.ownerUrl], ALL);
refused('ppuri_admin', () => [database.adminUrl, database.ownerUrl], [
  ...ALL,
  'SELECT seal_feed()',
  `SELECT announce_reached_limits('{1}', '{KRW}', '{held}', '{1}', '{1}', '{1}')`,
]);
