// What no login may do to the place in the feed up to which Kafka has everything: only workers move it.
import { after, before } from 'node:test';
import { makeDatabase, type TestDatabase } from '../stack.ts';
import { type Forbidden, refused } from './as-role.ts';

let database: TestDatabase;
before(async () => {
  database = await makeDatabase();
});
after(() => database.drop());

const NOBODY: readonly Forbidden[] = [
  'DELETE FROM kafka_cursors',
  'TRUNCATE kafka_cursors',
  `UPDATE kafka_cursors SET topic = 'x'`,
];
const WORKERS: readonly Forbidden[] = [
  'SELECT * FROM kafka_cursors',
  'UPDATE kafka_cursors SET last_sequence = 0',
  `INSERT INTO kafka_cursors (topic, epoch, last_sequence) VALUES ('x', '0123456789abcdef', 0)`,
];

refused('ppuri_app', () => [database.appUrl, database.ownerUrl], [...NOBODY, ...WORKERS]);
refused('ppuri_worker', () => [database.workerUrl, database.ownerUrl], NOBODY);
refused('ppuri_admin', () => [database.adminUrl, database.ownerUrl], [...NOBODY, ...WORKERS]);
