// Alerts of backups, the archive of WAL and drills fire by their real faults, and are over when those are repaired.
import assert from 'node:assert/strict';
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { findFree } from '../../../scripts/dev/ports.ts';
import { findAlertmanager } from '../../../scripts/ops/parts/alertmanager.ts';
import { findExporter, startPostgresExporter } from '../../../scripts/ops/parts/exporters.ts';
import { findPrometheus } from '../../../scripts/ops/parts/prometheus.ts';
import { startWorkerProcess, workerEnv } from '../../processes.ts';
import { startOwnRedis } from '../../redis/own-redis.ts';
import { orSkipAll } from '../../skip.ts';
import { type Stack, startStack } from '../../stack.ts';
import { until } from '../../until.ts';
import { type FastAlerts, startFastAlerts, targetAt } from '../observability/fast-alerts.ts';
import { type Bank, openBank } from './bank.ts';
import { type RecoveryCluster, startRecoveryCluster } from './recovery-cluster.ts';

const tools = [
  orSkipAll(await findPrometheus(), 'Prometheus'),
  orSkipAll(await findAlertmanager(), 'Alertmanager'),
  orSkipAll(await findExporter('postgres'), 'the Postgres exporter'),
];
const skip = tools.find(({ skip }) => skip)?.skip || false;

const ROOT = join(import.meta.dirname, '..', '..', '..');
const IN_TIME_MS = 120_000;
/** A twelfth of the archive_timeout in docs/recovery.md; the limits that follow from it are shorter by less. */
const ARCHIVE_TIMEOUT_S = 5;
const LAG_LIMIT_S = 10;
const LOSS_LIMIT_S = 12;
/** Older than the deployed limit of 36 hours. */
const OLD_MS = 40 * 3_600_000;
const SLOT = 'of_a_replica_that_is_away';
/** A rate of BACKUP_MAX_RATE that bounds nothing here. */
const QUICK = '1024M';

const owner = new AsyncDisposableStack();
let cluster: RecoveryCluster;
let bank: Bank;
let stack: Stack;
let alerts: FastAlerts;
/** Holds the rate at which a drill reads the storage. */
let rateFile: string;
/** The most seconds of a drill without an alert. */
let slowSeconds: number;

before(
  async () => {
    if (skip) return;
    const settings = { archive_timeout: `${ARCHIVE_TIMEOUT_S}`, max_slot_wal_keep_size: '1MB' };
    cluster = owner.use(await startRecoveryCluster({ settings }));
    const folder = cluster.folder;
    rateFile = join(folder, 'rate');
    writeFileSync(rateFile, QUICK);
    const redis = await startOwnRedis();
    owner.defer(() => redis.stop());
    bank = owner.use(await openBank(cluster.postgres));
    stack = await startStack({ database: { ...cluster.postgres, drop: async () => {} } });
    owner.defer(() => stack.stop());
    const [opsPort = 0] = await findFree(1);
    const worker = await startWorkerProcess({
      ...workerEnv(stack.database, redis.url),
      OPS_PORT: String(opsPort),
      DRILL_COMMAND: drillCommand(),
    });
    owner.defer(async () => void (await worker.stop()));
    const exporter = owner.use(
      await startPostgresExporter({ folder, databaseUrl: cluster.postgres.ownerUrl }),
    );
    await bank.payMany(20);
    await cluster.must('backup', []);
    const { report, error } = await drill();
    assert.ok(report, error);
    slowSeconds = 1.5 * report.rtoSeconds + 2;
    alerts = await startFastAlerts(
      owner,
      folder,
      {
        ppuri: [targetAt(`http://127.0.0.1:${opsPort}`, { process: 'worker' })],
        postgres: [targetAt(exporter.url)],
      },
      {
        PpuriWalArchiveLag: LAG_LIMIT_S,
        PpuriDrillLostData: LOSS_LIMIT_S,
        PpuriDrillTooSlow: slowSeconds,
      },
    );
  },
  { timeout: 240_000 },
);
after(() => owner.disposeAsync());

function drillCommand(): string {
  const variables = Object.entries(cluster.env).map(([name, value]) => `${name}='${value}'`);
  const words = [`BACKUP_MAX_RATE=$(cat ${rateFile})`, ...variables, process.execPath];
  return `${words.join(' ')} ${ROOT}/scripts/drill.ts backups --json`;
}

/** What came of a drill. */
interface Drilled {
  readonly state: string;
  readonly error: string;
  /** Null where it did not get so far. */
  readonly report: { readonly rtoSeconds: number; readonly rpoSeconds: number } | null;
}

/** Asks for a drill, and waits until the worker has done it. */
async function drill(): Promise<Drilled> {
  const id = await until('a worker is set up for drills', async () => {
    const identity = { idempotencyKey: crypto.randomUUID() };
    const answer = await stack.grpc.call('admin.v1.RecoveryService/StartDrill', {}, identity);
    assert.ok(['', 'RECOVERY_NOT_CONFIGURED'].includes(answer.reason), answer.reason);
    return answer.status === 0 && answer.at('drill', 'drill_id');
  });
  const ended = async () => {
    const text = 'SELECT state, error, report FROM recovery_runs WHERE id = $1 AND ended_at IS NOT NULL';
    return (await cluster.query<Drilled & pg.QueryResultRow>(text, [id]))[0];
  };
  return until('the drill is over', ended, IN_TIME_MS);
}

/** The files of the newest backup. */
function newestBackup(): string {
  const [id = ''] = readdirSync(cluster.url).filter((name) => /^\d+$/.test(name));
  const backups = join(cluster.url, id, 'backups');
  return join(backups, readdirSync(backups).sort().at(-1) ?? '');
}

/** Postgres' user may not write there any more, or may again. */
function letArchive(isAllowed: boolean): void {
  const [id = ''] = readdirSync(cluster.url).filter((name) => /^\d+$/.test(name));
  const walk = (folder: string): void => {
    chmodSync(folder, isAllowed ? 0o700 : 0o500);
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory()) walk(join(folder, entry.name));
  };
  walk(join(cluster.url, id, 'wal'));
}

/** The alerts of a drill that could be read, of the archive, and of a slot, which all have a fault below. */
const OF_FAULTS = [
  'PpuriBackupOld',
  'PpuriWalArchiveLag',
  'PpuriWalArchiveFailing',
  'PpuriDrillTooSlow',
  'PpuriDrillLostData',
  'PpuriWalRetained',
];

/** Writes so much WAL that the slot of a replica that is away loses what it needs. */
async function loseSlot(): Promise<void> {
  await cluster.query(`SELECT pg_create_physical_replication_slot('${SLOT}', true)`);
  const isLost = async () => {
    await cluster.query(`SELECT pg_logical_emit_message(false, 'test', 'x'), pg_switch_wal()`);
    await cluster.query('CHECKPOINT');
    const slots = await cluster.query(
      `SELECT FROM pg_replication_slots WHERE slot_name = '${SLOT}' AND wal_status = 'lost'`,
    );
    return slots.length > 0;
  };
  await until('the slot has lost WAL', isLost);
}

/** Makes the drill read the whole of what is stored no faster than in these seconds. */
function slowDown(seconds: number): void {
  const kilobytes = statSync(join(newestBackup(), 'base.tar.zst.age')).size >> 10;
  writeFileSync(rateFile, `${Math.max(1, Math.floor(kilobytes / seconds))}k`);
}

/** As if no backup had been taken for so long. */
function makeOld(): void {
  const file = join(newestBackup(), 'backup.json');
  const record = JSON.parse(readFileSync(file, 'utf8'));
  for (const name of ['startedAt', 'endedAt'])
    record[name] = new Date(Date.parse(record[name]) - OLD_MS).toISOString();
  writeFileSync(file, JSON.stringify(record));
}

function flipByte(): void {
  const file = join(newestBackup(), 'base.tar.zst.age');
  const bytes = readFileSync(file);
  const middle = bytes.length >> 1;
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  writeFileSync(file, bytes);
}

test('each alert fires by its fault, and is over when that is repaired', {
  skip,
  timeout: 280_000,
}, async () => {
  const all = [...OF_FAULTS, 'PpuriDrillFailed'];
  const firing = `ALERTS{alertname=~"${all.join('|')}"} or absent(ppuri_drill_ok)`;
  const isQuiet = async () => (await alerts.prometheus.query(firing)).length === 0;
  await until('none of them fires', isQuiet);
  const since = alerts.notified.length;

  letArchive(false);
  makeOld();
  slowDown(slowSeconds + 2);
  await bank.payMany(5);
  await loseSlot();
  const isBehind = async () => {
    const [lag] = await alerts.prometheus.query('ppuri_wal_archive_lag_seconds');
    return (lag?.value ?? 0) > LOSS_LIMIT_S + 1;
  };
  await until('the archive is behind', isBehind, IN_TIME_MS);
  const late = await drill();
  assert.equal(late.state, 'succeeded', late.error);
  for (const alert of OF_FAULTS) await alerts.told(alert, 'firing', since);

  letArchive(true);
  await cluster.query(`SELECT pg_drop_replication_slot('${SLOT}')`);
  writeFileSync(rateFile, QUICK);
  flipByte();
  const failed = await drill();
  assert.match(failed.error, /base\.tar\.zst\.age is damaged/);
  await alerts.told('PpuriDrillFailed', 'firing', since, { severity: 'page' });

  await cluster.must('backup', ['--full']);
  await until('a drill is quick enough on a busy machine', isGood, IN_TIME_MS);
  for (const alert of all) await alerts.told(alert, 'resolved', since);
});

test('where there is no backup the drill says so, and an operator is told', {
  skip,
  timeout: 200_000,
}, async () => {
  const since = alerts.notified.length;
  rmSync(dirname(newestBackup()), { recursive: true });
  const { error } = await drill();
  assert.match(error, /^there is no (?:whole )?backup/);
  await alerts.told('PpuriDrillFailed', 'firing', since);
});

/** Whether a drill of what is archived now passes within the limits. */
async function isGood(): Promise<boolean> {
  await cluster.archived();
  const { state, error, report } = await drill();
  assert.equal(state, 'succeeded', error);
  return report !== null && report.rtoSeconds < slowSeconds && report.rpoSeconds < LOSS_LIMIT_S;
}
