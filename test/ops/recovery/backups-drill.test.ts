// The drill of the real backups by its command, out of S3-compatible storage; service.test.ts has it through a worker.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type S3, startS3 } from '../../../scripts/ops/parts/s3.ts';
import { createBucket } from '../../../scripts/recovery/s3-storage.ts';
import { type Bank, openBank } from './bank.ts';
import { type RecoveryCluster, runScript, startRecoveryCluster } from './recovery-cluster.ts';
import { openRestored } from './restored.ts';

let folder: string;
let s3: S3;
let cluster: RecoveryCluster;
let bank: Bank;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ppuri-drill-'));
  s3 = await startS3({ folder });
  await createBucket(s3.bucketUrl, s3.env);
  cluster = await startRecoveryCluster({ url: s3.bucketUrl, env: s3.env });
  bank = await openBank(cluster.postgres);
});
after(async () => {
  await bank?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
  await s3?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test('a restore to a moment out of S3-compatible storage', { timeout: 180_000 }, async () => {
  await bank.payMany(20);
  await cluster.must('backup', []);
  await bank.payMany(20);
  const moment = await cluster.now();
  const kept = await cluster.query('SELECT id, balance FROM accounts ORDER BY id');
  await bank.payMany(5);
  await cluster.archived();
  const into = join(cluster.folder, 'restored');
  await cluster.must('restore', ['--to', moment, '--into', into]);
  await using restored = await openRestored(into, cluster.postgres.ownerUrl);
  assert.deepEqual(await restored.query('SELECT id, balance FROM accounts ORDER BY id'), kept);
});

test('npm run drill -- backups restores the last backup, within a rate, and notes it', {
  timeout: 180_000,
}, async () => {
  const listed = async () =>
    JSON.parse(await cluster.must('backup', ['--list', '--json'])) as { state: string; label: string }[];
  assert.deepEqual(
    (await listed()).map(({ state }) => state),
    ['complete'],
  );
  const env = { ...cluster.env, BACKUP_MAX_RATE: '64M' };
  const { code, stdout, stderr } = await runScript('drill', ['backups', '--json'], env);
  assert.equal(code, 0, stderr);
  const [backup] = await listed();
  assert.equal(backup?.state, 'verified');
  assert.deepEqual(JSON.parse(stdout).backups, [backup?.label]);
});
