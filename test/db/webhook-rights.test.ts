// What no login may do to webhooks: servers set them up, workers send, operators see them without their secrets.
import { after, before } from 'node:test';
import { makeDatabase, type TestDatabase } from '../stack.ts';
import { type Forbidden, refused } from './as-role.ts';

let database: TestDatabase;
before(async () => {
  database = await makeDatabase();
});
after(() => database.drop());

const NOBODY: readonly Forbidden[] = [
  'DELETE FROM webhooks',
  'DELETE FROM webhook_deliveries',
  'TRUNCATE webhooks CASCADE',
  `UPDATE webhooks SET owner_key_id = 'x'`,
  `UPDATE webhook_deliveries SET event_id = 'x'`,
  `UPDATE webhook_deliveries SET webhook_id = gen_random_uuid()`,
];
const SET_UP: readonly Forbidden[] = [
  `INSERT INTO webhooks (id, owner_key_id, url, types, description, sealed_keys, public_key, last_sequence)
    VALUES (gen_random_uuid(), 'x', 'https://example.com/', '{}', '', 'x', 'x', 0)`,
  `UPDATE webhooks SET url = 'https://example.com/'`,
  `UPDATE webhooks SET types = '{}'`,
  'UPDATE webhooks SET deleted_at = now(), sealed_keys = NULL',
];
const SENT: readonly Forbidden[] = [
  'UPDATE webhooks SET last_sequence = 0',
  'UPDATE webhooks SET worker = gen_random_uuid()',
  'UPDATE webhooks SET lease_until = now()',
  `UPDATE webhook_deliveries SET attempts = '[]'`,
  `INSERT INTO webhook_deliveries (id, webhook_id, event_id, sequence, type)
    SELECT gen_random_uuid(), id, 'x', 1, 'x' FROM webhooks`,
  'UPDATE webhooks SET expired_after = 0, expired_through = 1',
  'SELECT purge_webhooks(1)',
];

const RESUME = 'SELECT resume_webhook(gen_random_uuid())';

refused('ppuri_app', () => [database.appUrl, database.ownerUrl], [
  ...NOBODY,
  ...SENT,
  RESUME,
  `SELECT key_line_is_live('x')`,
]);
refused('ppuri_worker', () => [database.workerUrl, database.ownerUrl], [
  ...NOBODY,
  ...SET_UP,
  RESUME,
  `UPDATE webhooks SET sealed_keys = 'x'`,
  `SELECT key_line('x')`,
]);
refused('ppuri_admin', () => [database.adminUrl, database.ownerUrl], [
  ...NOBODY,
  ...SET_UP,
  ...SENT,
  'SELECT url FROM webhooks',
  `UPDATE webhooks SET state = 'paused', pause_reason = 'owner', paused_at = now()`,
]);
