// admin.v1.RecoveryService through a real server and worker: the real backup and the real drill, and what they say when something is wrong.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { recoveryState } from '../../../src/db/jobs/index.ts';
import { createMetrics } from '../../../src/runtime/metrics.ts';
import type { Json } from '../../api-client.ts';
import { commandsOf } from '../../page-steps.ts';
import { startWorkerProcess, type WorkerProcess, workerEnv } from '../../processes.ts';
import { type OwnRedis, startOwnRedis } from '../../redis/own-redis.ts';
import { type Stack, startStack } from '../../stack.ts';
import { createTestPool } from '../../test-pool.ts';
import { until } from '../../until.ts';
import { type Bank, openBank } from './bank.ts';
import { type RecoveryCluster, startRecoveryCluster } from './recovery-cluster.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const IN_TIME_MS = 120_000;
const timeout = 2 * IN_TIME_MS;

let cluster: RecoveryCluster;
let bank: Bank;
let redis: OwnRedis;
let stack: Stack;
let worker: WorkerProcess;
before(async () => {
  cluster = await startRecoveryCluster();
  bank = await openBank(cluster.postgres);
  redis = await startOwnRedis();
  stack = await startStack({ database: { ...cluster.postgres, drop: async () => {} } });
  worker = await startWorker();
});
after(async () => {
  await worker?.stop();
  await stack?.stop();
  await redis?.stop();
  await bank?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

/** A worker with the commands of docs/recovery.md, but for the places, whose files have these variables besides. */
function startWorker(more: Record<string, string> = {}): Promise<WorkerProcess> {
  const file = join(cluster.folder, `worker-${crypto.randomUUID()}.env`);
  const variables = Object.entries({ ...cluster.env, ...more }).map(
    ([name, value]) => `${name}="${value}"\n`,
  );
  writeFileSync(file, variables.join(''), { mode: 0o600 });
  const commands = commandsOf('docs/recovery.md', 'Backups and drills by the worker')
    .filter((line) => /^\w+_COMMAND=/.test(line))
    .map((line) =>
      line
        .replace(/\/etc\/ppuri\/\w+\.env/, file)
        .replace('/srv/ppuri/', `${ROOT}/`)
        .replace(' node ', ` ${process.execPath} `),
    )
    .map((line) => /^(\w+)='(.*)'$/.exec(line)?.slice(1) ?? []);
  assert.deepEqual(
    commands.map(([name]) => name),
    ['BACKUP_COMMAND', 'DRILL_COMMAND'],
  );
  return startWorkerProcess({ ...workerEnv(stack.database, redis.url), ...Object.fromEntries(commands) });
}

type Thing = 'Backup' | 'Drill';
const start = (thing: Thing, key: string = crypto.randomUUID(), request: Json = {}) =>
  stack.grpc.call(`admin.v1.RecoveryService/Start${thing}`, request, { idempotencyKey: key });
const list = async (thing: Thing) =>
  (await stack.grpc.call(`admin.v1.RecoveryService/List${thing}s`, {})).list(`${thing.toLowerCase()}s`);
/** The id of one that is started, once a worker is seen that does it. */
const started = async (thing: Thing, key?: string): Promise<string> => {
  const answer = await until('a worker is set up', async () => {
    const answer = await start(thing, key);
    assert.ok(['', 'RECOVERY_NOT_CONFIGURED'].includes(answer.reason), answer.reason);
    return answer.status === 0 ? answer : undefined;
  });
  return String(answer.at(thing.toLowerCase(), `${thing.toLowerCase()}_id`));
};
const is = (thing: Thing, id: string, state: string): Promise<Json> =>
  until(
    `${id} is ${state}`,
    async () => {
      const item = (await list(thing)).find((one) => one[`${thing.toLowerCase()}_id`] === id);
      const isOver = /_(COMPLETE|VERIFIED|FAILED|ABANDONED|PASSED)$/.test(String(item?.state));
      if (isOver) assert.equal(`${item?.state} ${item?.error}`.startsWith(state), true, JSON.stringify(item));
      return item?.state === state ? item : undefined;
    },
    IN_TIME_MS,
  );

test('StartBackup takes a backup, once for one key and one at a time', { timeout }, async () => {
  await bank.payMany(20);
  const key = crypto.randomUUID();
  const id = await started('Backup', key);
  const [again, other] = await Promise.all([start('Backup', key), start('Backup')]);
  assert.equal(again.at('backup', 'backup_id'), id);
  assert.equal(other.reason, 'RECOVERY_RUN_UNDER_WAY');
  const done = await is('Backup', id, 'BACKUP_STATE_COMPLETE');
  const [stored] = JSON.parse(await cluster.must('backup', ['--list', '--json']));
  assert.equal(done.label, stored.label);
  assert.deepEqual([done.kind, done.is_encrypted], ['BACKUP_KIND_FULL', true]);
  assert.equal(done.end_lsn, stored.endLsn);
  assert.ok(Number(done.bytes) > Number(done.stored_bytes));
  assert.match(String(done.last_wal), /^0000000100000000[0-9A-F]{8}$/);
  assert.ok(String(done.restorable_until) >= String(done.started_at));

  const next = await is('Backup', await started('Backup'), 'BACKUP_STATE_COMPLETE');
  assert.deepEqual([next.kind, next.base_label], ['BACKUP_KIND_INCREMENTAL', done.label]);
  assert.equal((await list('Backup')).length, 2);
  const answer = await stack.grpc.call('admin.v1.RecoveryService/ListBackups', {});
  assert.match(String(answer.body.newest_archived_wal), /^[0-9A-F]{24}/);
});

test('StartDrill restores it: it is verified, and metrics tell', { timeout }, async () => {
  await bank.payMany(10);
  await cluster.archived();
  const passed = await is('Drill', await started('Drill'), 'DRILL_STATE_PASSED');
  const [last, full] = await list('Backup');
  assert.deepEqual([last?.state, full?.state], ['BACKUP_STATE_VERIFIED', 'BACKUP_STATE_VERIFIED']);
  assert.equal(passed.backup_label, last?.label);
  assert.deepEqual([passed.drill, passed.books_ok, passed.lost, passed.error], ['backups', true, '0', '']);
  assert.ok(Number(passed.payments) >= 30);
  const pool = createTestPool(cluster.postgres.workerUrl, { maxConnections: 1 });
  try {
    const { drill, walLagSeconds = Number.NaN } = await recoveryState(pool);
    assert.equal(drill?.ok, true);
    assert.ok((drill?.rtoSeconds ?? 0) > 0 && (drill?.backupAgeSeconds ?? 0) > 0);
    assert.ok(walLagSeconds >= 0, `${walLagSeconds} s`);
    const metrics = createMetrics({});
    metrics.recovery(() => recoveryState(pool));
    assert.match((await metrics.page()).body, /^ppuri_drill_ok\{(?:\w+="[^"]*",)*drill="restore"\} 1$/m);
  } finally {
    await pool.end();
  }
});

test('kill -9 of the worker in the middle of a backup: nothing of it goes on, and the next one is taken', {
  timeout,
}, async () => {
  await worker.stop();
  const slow = await startWorker({ BACKUP_MAX_RATE: '32k' });
  const id = await started('Backup');
  const isStreaming = async () =>
    (await cluster.query(`SELECT FROM pg_stat_progress_basebackup WHERE phase LIKE 'streaming%'`)).length > 0;
  await until('Postgres streams the backup', isStreaming, IN_TIME_MS);
  await slow.kill();
  await until('Postgres streams it no longer', async () => !(await isStreaming()), IN_TIME_MS);
  const abandoned = await is('Backup', id, 'BACKUP_STATE_ABANDONED');
  assert.match(String(abandoned.error), /^its worker stopped, died or lost/);
  worker = await startWorker();
  await is('Backup', await started('Backup'), 'BACKUP_STATE_COMPLETE');
});

test('a flipped byte in the backup: the drill fails and names the file', { timeout }, async () => {
  const [last] = await list('Backup');
  const path = join(
    cluster.url,
    String(last?.cluster_id),
    'backups',
    String(last?.label),
    'base.tar.zst.age',
  );
  const bytes = readFileSync(path);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const failed = await is('Drill', await started('Drill'), 'DRILL_STATE_FAILED');
  assert.match(String(failed.error), new RegExp(`${last?.label}/base\\.tar\\.zst\\.age is damaged`));
  const pool = createTestPool(cluster.postgres.workerUrl, { maxConnections: 1 });
  const { drill } = await recoveryState(pool).finally(() => pool.end());
  assert.equal(drill?.ok, false);
  assert.ok((drill?.backupAgeSeconds ?? 0) > 0, 'the last restored backup is still known');
});

test('a drill without the private key says what it lacks', { timeout }, async () => {
  await worker.stop();
  worker = await startWorker({ BACKUP_IDENTITY_FILE: '' });
  const failed = await is('Drill', await started('Drill'), 'DRILL_STATE_FAILED');
  assert.match(String(failed.error), /is encrypted: name the file with the private key by --identity/);
});
