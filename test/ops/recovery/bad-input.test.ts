// What a restore refuses: it names the object or the moment, and the target is as it was.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { generateIdentity } from 'age-encryption';
import { findUnprivileged } from '../../../scripts/dev/postgres.ts';
import { until } from '../../until.ts';
import { type Bank, openBank } from './bank.ts';
import { type Ran, type RecoveryCluster, runScript, startRecoveryCluster } from './recovery-cluster.ts';

let cluster: RecoveryCluster;
let bank: Bank;
let clusterId: string;
/** A moment before the backup, one that a restore can reach, and one that is archived in the last segment. */
let moments: { before: string; between: string; after: string };
let copies = 0;
before(async () => {
  cluster = await startRecoveryCluster();
  bank = await openBank(cluster.postgres);
  const beforeIt = await cluster.now();
  const record = JSON.parse(await cluster.must('backup', ['--json']));
  clusterId = record.clusterId;
  await bank.payMany(4);
  const between = await cluster.now();
  // Segments end after the moment, by more than clocks may differ.
  for (let segment = 0; segment < 3; segment++) {
    await bank.payMany(4);
    await cluster.archived();
  }
  moments = { before: beforeIt, between, after: await cluster.now() };
});
after(async () => {
  await bank?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

/** A copy of the storage, in which a test breaks something. */
function copy(): { url: string; wal: string; backup: string } {
  const url = join(cluster.folder, `copy-${copies++}`);
  cpSync(cluster.url, url, { recursive: true, preserveTimestamps: true });
  const backups = join(url, clusterId, 'backups');
  return { url, wal: join(url, clusterId, 'wal'), backup: join(backups, readdirSync(backups)[0] ?? '') };
}

const segmentsIn = (folder: string) =>
  readdirSync(folder)
    .filter((name) => /^[0-9A-F]{24}-/.test(name))
    .sort();

/** Runs a restore that has to be refused with these words, and sees that nothing was touched. */
async function refuses(
  words: RegExp,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<void> {
  const into = join(cluster.folder, `into-${copies++}`);
  const ran = await cluster.run('restore', ['--to', moments.between, '--into', into, ...args], env);
  assertRefused(ran, words);
  assert.equal(existsSync(into), false, 'the target was made');
  assert.equal(existsSync(`${into}.restoring`), false, 'the draft was left behind');
}

function assertRefused(ran: Ran, words: RegExp): void {
  assert.equal(ran.code, 1, ran.stderr);
  assert.match(ran.stderr, words);
  assert.doesNotMatch(ran.stderr, /^\s+at /m, 'a stack trace');
}

function flipByte(path: string): void {
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

test('a moment in the future, before the oldest backup, or after the archived WAL', async () => {
  await refuses(/2099-01-01T00:00:00.000000Z is in the future/, ['--to', '2099-01-01T00:00:00Z']);
  await refuses(new RegExp(`${moments.before} is before the oldest backup, which ended at 20`), [
    '--to',
    moments.before,
  ]);
  const late = new Date(Date.now() - 1).toISOString();
  const { url, wal } = copy();
  for (const name of segmentsIn(wal).slice(-3)) rmSync(join(wal, name));
  const earlier = new Date(Date.now() - 20_000);
  for (const name of segmentsIn(wal)) utimesSync(join(wal, name), earlier, earlier);
  await refuses(/is after the end of the archived WAL at 20/, ['--to', late, '--from', url]);
  await refuses(/--to takes a moment with its zone/, ['--to', '2026-11-26 04:31']);
});

test('a segment of WAL that is missing, doubled, damaged or of another cluster', async () => {
  const gap = copy();
  const first = segmentsIn(gap.wal)[1] ?? '';
  rmSync(join(gap.wal, first));
  await refuses(new RegExp(`the WAL segment ${first.slice(0, 24)} is missing`), [
    '--to',
    moments.after,
    '--from',
    gap.url,
  ]);

  const doubled = copy();
  writeFileSync(join(doubled.wal, `${first.slice(0, 24)}-${'0'.repeat(64)}.zst`), '');
  await refuses(new RegExp(`${first.slice(0, 24)} was archived twice with different content`), [
    '--from',
    doubled.url,
  ]);

  const flipped = copy();
  flipByte(join(flipped.wal, first));
  await refuses(new RegExp(`${first} is damaged`), ['--from', flipped.url]);

  // The content of one under the name of the one after it.
  const swapped = copy();
  const [, , second = ''] = segmentsIn(swapped.wal);
  renameSync(join(swapped.wal, first), join(swapped.wal, second.slice(0, 24) + first.slice(24)));
  rmSync(join(swapped.wal, second));
  cpSync(join(gap.wal, second), join(swapped.wal, first.slice(0, 24) + second.slice(24)));
  await refuses(
    new RegExp(
      `holds the WAL of ${first.slice(0, 24)}, not of its name|holds the WAL of ${second.slice(0, 24)}`,
    ),
    ['--to', moments.after, '--from', swapped.url],
  );

  const foreign = copy();
  rmSync(join(foreign.wal, first));
  const bytes = Buffer.alloc(16 << 20);
  bytes.writeBigUInt64LE(4242n, 24);
  const hash = createHash('sha256').update(bytes).digest('hex');
  writeFileSync(join(foreign.wal, `${first.slice(0, 24)}-${hash}.zst`), zstdCompressSync(bytes));
  await refuses(/belongs to another cluster: 4242/, ['--from', foreign.url]);
});

test('a backup that is damaged, cut off or of another cluster', async () => {
  const flipped = copy();
  flipByte(join(flipped.backup, 'base.tar.zst.age'));
  await refuses(/backups\/\w+\/base.tar.zst.age is damaged/, ['--from', flipped.url]);

  const cutOff = copy();
  truncateSync(join(cutOff.backup, 'base.tar.zst.age'), 1000);
  await refuses(/there is no whole backup/, ['--from', cutOff.url]);
  const listed = await runScript('backup', ['--list', '--json'], { ...cluster.env, BACKUP_URL: cutOff.url });
  assert.deepEqual(
    JSON.parse(listed.stdout).map(({ state }: { state: string }) => state),
    ['damaged'],
  );

  await refuses(/has no backup of the cluster 4242, only of \d+/, ['--cluster', '4242']);
  const two = copy();
  writeFileSync(join(two.url, 'clusters', '4242.json'), '{}');
  await refuses(/has backups of several clusters; name one by --cluster: \d+, \d+/, ['--from', two.url]);
  await refuses(/there is no backup in file:/, ['--from', join(cluster.folder, 'nothing')]);
});

test('another key, or none', async () => {
  const other = join(cluster.folder, 'other.txt');
  writeFileSync(other, await generateIdentity());
  await refuses(/base.tar.zst.age was encrypted for another key than that of --identity/, [
    '--identity',
    other,
  ]);
  writeFileSync(other, 'nonsense');
  await refuses(/holds no private key of age/, ['--identity', other]);
  await refuses(/is encrypted: name the file with the private key by --identity/, [], {
    BACKUP_IDENTITY_FILE: '',
  });
});

test('a disk without space, and a folder without rights', async () => {
  const large = copy();
  const record = join(large.backup, 'backup.json');
  writeFileSync(record, JSON.stringify({ ...JSON.parse(readFileSync(record, 'utf8')), bytes: 1e15 }));
  await refuses(/has [\d,]+ MB left, and the restore takes up to 1,000,0\d\d,\d\d\d MB/, [
    '--from',
    large.url,
  ]);

  const closed = join(cluster.folder, 'closed');
  mkdirSync(closed);
  chmodSync(closed, 0o555);
  const args = ['--to', moments.between, '--into', join(closed, 'restored')];
  assertRefused(await withoutPrivileges(args), new RegExp(`this user may not write to ${closed}`));
  chmodSync(closed, 0o000);
  assertRefused(
    await withoutPrivileges(['--to', moments.between, '--from', closed]),
    /cannot list .*closed.*no right/,
  );
  chmodSync(closed, 0o755);
});

/** As a user whom the modes of files stop. */
function withoutPrivileges(args: readonly string[]): Promise<Ran> {
  return runScript('restore', args, cluster.env, findUnprivileged());
}

test('a folder that is not empty, or in which a Postgres runs', async () => {
  const full = join(cluster.folder, 'full');
  mkdirSync(full);
  writeFileSync(join(full, 'somebody-else.txt'), 'x');
  const args = (into: string) => ['--to', moments.between, '--into', into];
  assertRefused(await cluster.run('restore', args(full)), /full is not empty/);
  assert.deepEqual(readdirSync(full), ['somebody-else.txt']);
  assertRefused(
    await cluster.run('restore', args(cluster.postgres.cluster)),
    /a Postgres runs in .*postgres \(postmaster.pid\)/,
  );
  assert.ok((await cluster.query('SELECT 1')).length > 0, 'the primary is gone');
});

test('archiving that fails is seen before a backup, and a backup whose WAL goes elsewhere does not count', async () => {
  const elsewhere = join(cluster.folder, 'elsewhere');
  const ran = await cluster.run('backup', [], { BACKUP_URL: elsewhere });
  assertRefused(ran, /archive_command puts the WAL elsewhere/);
  const listed = await cluster.run('backup', ['--list', '--json'], { BACKUP_URL: elsewhere });
  assert.deepEqual(JSON.parse(listed.stdout), []);

  const aside = `${cluster.url}.aside`;
  renameSync(cluster.url, aside);
  writeFileSync(cluster.url, 'a file where the folder was');
  await cluster.query('SELECT pg_switch_wal()');
  await bank.payMany(2);
  await cluster.query('SELECT pg_switch_wal()');
  const failing = async () => {
    const { code, stderr } = await cluster.run('backup', []);
    return code === 1 && /WAL is not archived since .*: archive_command fails for 0000/.test(stderr);
  };
  await until('the failure is told', failing, 60_000);
  rmSync(cluster.url);
  renameSync(aside, cluster.url);
});
