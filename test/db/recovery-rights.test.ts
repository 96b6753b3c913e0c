// What no login may do to the runs of backups and drills, and which ways through their states the database refuses to everybody.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { makeDatabase, type TestDatabase } from '../stack.ts';
import { asRole, type Forbidden, refused } from './as-role.ts';

let database: TestDatabase;
before(async () => {
  database = await makeDatabase();
});
after(() => database.drop());

const RUNS: readonly Forbidden[] = [
  `UPDATE recovery_runs SET requested_by = 'x'`,
  'UPDATE recovery_runs SET requested_at = now()',
  'UPDATE recovery_runs SET started_at = now(), ended_at = now()',
  `UPDATE recovery_runs SET idempotency_key = 'x', fingerprint = repeat('0', 64)`,
  `INSERT INTO recovery_runs (kind, state, requested_by, worker, started_at) VALUES ('drill', 'running', 'x', gen_random_uuid(), now())`,
  'DELETE FROM recovery_runs',
  'TRUNCATE recovery_runs',
  'DELETE FROM recovery_workers',
];
const DONE_BY_WORKERS: readonly Forbidden[] = [
  `UPDATE recovery_runs SET state = 'running', worker = gen_random_uuid(), started_at = now()`,
  `UPDATE recovery_workers SET seen_at = now()`,
  `UPDATE stored_backups SET state = 'verified'`,
  'DELETE FROM stored_backups',
];

refused('ppuri_worker', () => [database.workerUrl, database.ownerUrl], RUNS);
refused('ppuri_admin', () => [database.adminUrl, database.ownerUrl], [...RUNS, ...DONE_BY_WORKERS]);
refused('ppuri_app', () => [database.appUrl, database.ownerUrl], [
  ...RUNS,
  ...DONE_BY_WORKERS,
  'SELECT * FROM recovery_runs',
  'SELECT * FROM recovery_workers',
  'SELECT * FROM stored_backups',
  `INSERT INTO recovery_runs (kind, requested_by) VALUES ('backup', 'x')`,
  'SELECT abandon_lost_recovery_runs()',
]);

describe('a run does not go', () => {
  const made = [
    `INSERT INTO recovery_runs (kind, state, requested_by, worker, started_at) VALUES
       ('backup', 'running', 'x', '00000000-0000-4000-8000-000000000005', now())`,
    `INSERT INTO recovery_runs (kind, state, requested_by, worker, started_at, ended_at, error) VALUES
       ('drill', 'failed', 'x', '00000000-0000-4000-8000-000000000005', now(), now(), 'it was so')`,
  ];
  for (const [where, change] of Object.entries({
    'from failed to succeeded': `SET state = 'succeeded', error = '' WHERE kind = 'drill'`,
    'to another reason': `SET error = 'another reason' WHERE kind = 'drill'`,
    'to abandoned within its lease': `SET state = 'abandoned', ended_at = now() WHERE kind = 'backup'`,
    'to another worker': `SET worker = gen_random_uuid() WHERE kind = 'backup'`,
    'on for a day without a sign': `SET lease_until = now() + interval '1 day' WHERE kind = 'backup'`,
  })) {
    test(where, async () => {
      const sql = `UPDATE recovery_runs ${change}`;
      await assert.rejects(asRole(database.ownerUrl, [...made, sql]), /a run does not go from/);
      // It is the trigger alone that refuses.
      await asRole(database.ownerUrl, [...made, 'SET session_replication_role = replica', sql]);
    });
  }
});

test('a second run of a kind is refused', async () => {
  const request = `INSERT INTO recovery_runs (kind, requested_by) VALUES ('backup', 'x')`;
  await assert.rejects(asRole(database.adminUrl, [request, request]), /recovery_runs_under_way/);
});
