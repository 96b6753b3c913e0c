// A backup that is killed in the middle leaves the last good one and a state that says so; what is kept no longer goes, WAL too.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { identityOf } from '../../../scripts/dev/processes.ts';
import { until } from '../../until.ts';
import { type Bank, openBank } from './bank.ts';
import { type RecoveryCluster, startRecoveryCluster } from './recovery-cluster.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

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

interface Listed {
  readonly label: string;
  readonly kind: string;
  readonly state: string;
}

const listed = async (): Promise<Listed[]> => JSON.parse(await cluster.must('backup', ['--list', '--json']));

test('kill -9 in the middle of a backup', { timeout: 120_000 }, async () => {
  const good = JSON.parse(await cluster.must('backup', ['--json']));
  const backups = join(cluster.url, good.clusterId, 'backups');
  // Slow enough to be met in the middle.
  const child = spawn(process.execPath, [join(ROOT, 'scripts/backup.ts'), '--full'], {
    env: { ...process.env, ...cluster.env, BACKUP_MAX_RATE: '1M' },
    stdio: 'ignore',
    detached: true,
  });
  const isWriting = () =>
    readdirSync(backups).some(
      (label) =>
        label !== good.label && readdirSync(join(backups, label)).some((name) => name.endsWith('.part')),
    );
  await until('it is under way', isWriting, 60_000);
  const other = await cluster.run('backup', ['--full']);
  assert.match(other.stderr, /another backup of this cluster is under way/);
  assert.equal(other.code, 1);
  // With pg_basebackup, as the machine's own end would.
  process.kill(-(child.pid ?? 0), 'SIGKILL');
  await once(child, 'exit');

  assert.deepEqual(
    (await listed()).map(({ label, state }) => ({ label, state })),
    [{ label: good.label, state: 'complete' }],
    'the drafts of files do not count',
  );
  await bank.payMany(5);
  await cluster.archived();
  const into = join(cluster.folder, 'restored');
  const report = JSON.parse(await cluster.must('restore', ['--to', 'latest', '--into', into, '--json']));
  assert.deepEqual([report.backup, report.ledgers[0].faults], [good.label, []]);
  assert.ok(existsSync(join(into, 'PG_VERSION')));
  assert.ok(!existsSync(join(into, 'recovery.signal')), 'it would recover once more');

  // The session of the killed one ends when Postgres notices, and with it its lock.
  const isTaken = async () => (await cluster.run('backup', [])).code === 0;
  await until('the next backup is taken', isTaken, 60_000);
  assert.deepEqual(
    (await listed()).map(({ kind, state }) => [kind, state]),
    [
      ['full', 'complete'],
      ['incremental', 'complete'],
    ],
  );
});

test('kill -9 in the middle of a restore: nobody else works there before, and the next one cleans up', {
  timeout: 120_000,
}, async () => {
  const into = join(cluster.folder, 'killed');
  const args = ['--to', 'latest', '--into', into];
  const child = spawn(process.execPath, [join(ROOT, 'scripts/restore.ts'), ...args], {
    env: { ...process.env, ...cluster.env },
    stdio: 'ignore',
  });
  const postmaster = join(`${into}.restoring`, 'cluster', 'postmaster.pid');
  const pidOf = () => Number.parseInt(readFileSync(postmaster, 'utf8'), 10);
  await until('its Postgres runs', () => existsSync(postmaster) && pidOf() > 0, 60_000);
  const pid = pidOf();
  // It stands still, so that it is in the middle of its work whatever the other one takes.
  child.kill('SIGSTOP');
  const other = await cluster.run('restore', args);
  assert.match(other.stderr, /killed\.restoring belongs to another restore, which runs \(process \d+\)/);
  assert.equal(other.code, 1);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await until('its Postgres has ended', () => identityOf(pid) === undefined, 60_000);
  await cluster.must('restore', args);
  assert.ok(existsSync(join(into, 'PG_VERSION')));
  assert.ok(!existsSync(`${into}.restoring`));
});

test('so many full backups are kept, with the WAL from the oldest on', { timeout: 120_000 }, async () => {
  const settings = { BACKUP_KEEP_FULL: '2', BACKUP_KEEP_DAYS: '0' };
  let labels: string[] = [];
  for (let count = 0; count < 2; count++) {
    await bank.payMany(3);
    const ran = await cluster.run('backup', ['--full', '--json'], settings);
    assert.equal(ran.code, 0, ran.stderr);
    labels = [...labels, JSON.parse(ran.stdout).label];
  }
  const left = await listed();
  assert.deepEqual(
    left.map(({ label }) => label),
    labels,
  );
  const first = JSON.parse((await cluster.must('backup', ['--list', '--json'])).trim())[0];
  const wal = readdirSync(join(cluster.url, first.clusterId, 'wal'))
    .map((name) => name.slice(0, 24))
    .sort();
  // A shell and Postgres would both read something else in these characters.
  const into = join(cluster.folder, `the "oldest", 100%f of $HOME's`);
  await cluster.must('restore', ['--to', first.endedAt, '--into', into]);
  assert.ok(existsSync(join(into, 'PG_VERSION')));
  assert.ok(!wal.includes('000000010000000000000001'), 'WAL from before the oldest backup is still there');
});
