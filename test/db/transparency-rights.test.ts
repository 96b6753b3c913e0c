// What a login of the system may not do to the transparency log, also in the hands of an intruder.
import { after, before } from 'node:test';
import { type AttackedLog, makeAttackedLog } from '../transparency/attacked-log.ts';
import { type Forbidden, refused } from './as-role.ts';

const RESTRICT = '23001';

let log: AttackedLog;
before(async () => {
  log = await makeAttackedLog();
});
after(() => log.stop());

const EVERYBODY: readonly Forbidden[] = [
  'DELETE FROM transparency_log',
  'DELETE FROM transparency_tiles',
  'TRUNCATE transparency_tiles',
  `UPDATE transparency_checkpoints SET note = 'x'`,
  'DELETE FROM transparency_checkpoints',
  'DELETE FROM transparency_keys',
  `UPDATE transparency_keys SET verifier = 'x'`,
];
const READERS: readonly Forbidden[] = [
  'UPDATE transparency_log SET size = 0',
  'UPDATE transparency_tiles SET hashes = hashes',
  `INSERT INTO transparency_checkpoints (size, note) VALUES (1, 'x')`,
];

refused('ppuri_app', () => [log.database.appUrl, log.database.ownerUrl], [
  ...EVERYBODY,
  ...READERS,
  'SELECT sealed_private_key FROM transparency_keys',
  `INSERT INTO transparency_keys (key_id, name, verifier, sealed_private_key) VALUES ('00000000', 'x', 'x', 'x')`,
]);
refused('ppuri_admin', () => [log.database.adminUrl, log.database.ownerUrl], [...EVERYBODY, ...READERS]);
refused('ppuri_worker', () => [log.database.workerUrl, log.database.ownerUrl], [
  ...EVERYBODY,
  'UPDATE transparency_keys SET retired_at = now()',
  // The log only grows.
  ['UPDATE transparency_log SET size = size - 1', RESTRICT],
  [`UPDATE transparency_tiles SET hashes = substring(hashes FOR 32)`, RESTRICT],
  [`UPDATE transparency_tiles SET salts = overlay(salts PLACING '\\xff00ff00ff00ff00' FROM 9)`, RESTRICT],
]);
