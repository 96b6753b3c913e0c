// A restored ledger archives on a timeline of its own: restores reach moments of it, and still those of the first one.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { until } from '../../until.ts';
import { type Bank, openBank } from './bank.ts';
import { type RecoveryCluster, startRecoveryCluster } from './recovery-cluster.ts';
import { openRestored, type Restored } from './restored.ts';

const IN_TIME_MS = 60_000;

let cluster: RecoveryCluster;
let bank: Bank;
before(async () => {
  cluster = await startRecoveryCluster();
  bank = await openBank(cluster.postgres);
});
after(async () => {
  await bank?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

const idsOf = async (ledger: Pick<Restored, 'query'>) =>
  (await ledger.query<{ id: string }>(`SELECT id FROM transfers WHERE kind = 'transfer' ORDER BY id`)).map(
    ({ id }) => id,
  );

/** Restores, and returns the payments that are there then. */
async function restored(name: string, args: readonly string[]): Promise<string[]> {
  const into = join(cluster.folder, name);
  const report = JSON.parse(await cluster.must('restore', [...args, '--into', into, '--json']));
  assert.deepEqual(report.ledgers[0].faults, [], name);
  await using ledger = await openRestored(into, cluster.postgres.ownerUrl);
  return idsOf(ledger);
}

/** The settings of the cluster that was backed up, with which the restored one goes on. */
async function archivingSettings(): Promise<Record<string, string>> {
  const rows = await cluster.query<{ name: string; setting: string }>(
    `SELECT name, setting FROM pg_settings WHERE name IN ('archive_mode', 'archive_command', 'summarize_wal')`,
  );
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}

/** Pays in the restored ledger before and after a moment, and archives it. */
async function payOn(ledger: Restored): Promise<{ moment: string; before: string[] }> {
  const appUrl = Object.assign(new URL(cluster.postgres.appUrl), {
    host: new URL(ledger.ownerUrl).host,
  }).href;
  await using again = await openBank({ ...cluster.postgres, appUrl }, false);
  await again.payMany(3);
  const [row] = await ledger.query<{ now: string }>(
    `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS now`,
  );
  const kept = await idsOf(ledger);
  await again.payMany(3);
  const [last] = await ledger.query<{ file: string }>('SELECT pg_walfile_name(pg_switch_wal()) AS file');
  const isArchived = async () =>
    (await ledger.query<{ file: string }>('SELECT last_archived_wal AS file FROM pg_stat_archiver'))[0]
      ?.file === last?.file;
  await until('the WAL of the second timeline is archived', isArchived, IN_TIME_MS);
  return { moment: row?.now ?? '', before: kept };
}

test('to a moment on the second timeline, to its end, and to moments on the first', {
  timeout: 240_000,
}, async () => {
  await cluster.must('backup', []);
  const first = await bank.payMany(3);
  const moment = await cluster.now();
  const undone = await bank.payMany(3);
  const later = await cluster.now();
  // The first timeline reaches several segments further than the second will.
  for (let segment = 0; segment < 4; segment++) {
    undone.push(await bank.pay(7001, 7002));
    await cluster.archived();
  }
  const settings = await archivingSettings();
  const into = join(cluster.folder, 'second');
  await cluster.must('restore', ['--to', moment, '--into', into]);
  let second: Awaited<ReturnType<typeof payOn>>;
  let all: string[];
  {
    await using ledger = await openRestored(into, cluster.postgres.ownerUrl, settings);
    assert.deepEqual(await idsOf(ledger), [...first].sort());
    second = await payOn(ledger);
    all = await idsOf(ledger);
  }
  assert.equal(all.length, 9);
  assert.deepEqual(await restored('moment-of-second', ['--to', second.moment]), second.before);
  assert.deepEqual(await restored('end-of-second', ['--to', 'latest']), all);
  const onFirst = ['--timeline', '1', '--to'];
  assert.deepEqual(
    await restored('moment-of-first', [...onFirst, later]),
    [...first, ...undone.slice(0, 3)].sort(),
  );
  assert.deepEqual(await restored('end-of-first', [...onFirst, 'latest']), [...first, ...undone].sort());
  const nowhere = await cluster.run('restore', ['--timeline', '7', '--to', 'latest']);
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.stderr, /the timeline 7 has no history in .*: 00000007.history is missing/);
});
