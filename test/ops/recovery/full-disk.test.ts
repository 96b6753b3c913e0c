// A disk that fills in the middle of a backup and of a restore: the error names the file and the disk, and what was there stays.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runCommand } from '../../../scripts/dev/processes.ts';
import { type Bank, openBank } from './bank.ts';
import { type Ran, type RecoveryCluster, runScript, startRecoveryCluster } from './recovery-cluster.ts';

const NAMESPACE = ['unshare', '--user', '--map-root-user', '--mount'];
const noMount =
  process.platform !== 'linux' ||
  !(await runCommand(NAMESPACE[0] ?? '', [...NAMESPACE.slice(1), 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'])).ok
    ? 'no disk of its own can be mounted here'
    : false;
const MEGABYTE = 1 << 20;
const SEGMENT = 16 * MEGABYTE;

interface Listed {
  readonly clusterId: string;
  readonly label: string;
  readonly state: string;
  readonly bytes: number;
}

let cluster: RecoveryCluster;
let bank: Bank;
let good: Listed;
let disk: string;
before(async () => {
  cluster = await startRecoveryCluster();
  bank = await openBank(cluster.postgres);
  // So that the backup is larger than the WAL that belongs to it.
  await cluster.query(
    `CREATE TABLE ballast AS SELECT repeat(md5(n::text), 60) AS text FROM generate_series(1, 20000) AS n`,
  );
  await cluster.must('backup', []);
  await bank.payMany(4);
  await cluster.archived();
  [good] = JSON.parse(await cluster.must('backup', ['--list', '--json']));
  disk = join(cluster.folder, 'disk');
  mkdirSync(disk);
});
after(async () => {
  await bank?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

/** Runs a command on a disk that only it sees, and then a line of a shell; stdout is of the line. */
function onDisk(
  bytes: number,
  { first, program, args, last }: { first: string; program: string; args: string[]; last: string },
  env: Record<string, string> = {},
): Promise<Ran> {
  const lines = [
    `mount -t tmpfs -o size=${bytes} tmpfs '${disk}'`,
    first,
    'code=0; "$0" "$@" >&2 || code=$?',
    last,
    'exit $code',
  ];
  const how = { prefix: [...NAMESPACE, 'sh', '-ec', lines.join('\n')], user: undefined };
  return runScript(program, args, { ...cluster.env, ...env }, how);
}

test('in the middle of a backup, the last good one stays', { skip: noMount }, async () => {
  const stored = join(cluster.url, good.clusterId, 'backups');
  const files = readdirSync(stored, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const bytes = files.reduce(
    (sum, { parentPath, name }) => sum + readFileSync(join(parentPath, name)).length,
    0,
  );
  const ran = await onDisk(
    // Room for the good one and a part of another.
    Math.floor(bytes * 1.5),
    {
      first: `mkdir -p '${disk}/${good.clusterId}' && cp -r '${stored}' '${disk}/${good.clusterId}' && cp -r '${cluster.url}/clusters' '${disk}'`,
      program: 'backup',
      args: ['--full'],
      last: `'${process.execPath}' scripts/backup.ts --list --json; find '${disk}' -name '*.part' -o -name '*.tar*' | wc -l >&2`,
    },
    { BACKUP_URL: disk },
  );
  assert.equal(ran.code, 1, ran.stderr);
  assert.match(
    ran.stderr,
    /cannot write .*\/disk\/\d+\/backups\/\w+\/base.tar.zst.age: no space is left on the disk of .* \(0 MB of \d+ MB are free\)\n/,
  );
  assert.doesNotMatch(ran.stderr, /^\s+at /m, 'a stack trace');
  assert.match(ran.stderr, /\n1\n$/, 'the draft of the file is still there');
  // Its WAL was not copied.
  const { label, state } = good;
  assert.deepEqual(
    JSON.parse(ran.stdout).map((listed: Listed) => [listed.label, listed.state]),
    [[label, state]],
  );
});

/** A copy of the storage whose backup says that it is small, as one seems for which something else takes the room meanwhile. */
function copyThatSeemsSmall(): string {
  const url = join(cluster.folder, 'seems-small');
  cpSync(cluster.url, url, { recursive: true, preserveTimestamps: true });
  const record = join(url, good.clusterId, 'backups', good.label, 'backup.json');
  writeFileSync(record, JSON.stringify({ ...JSON.parse(readFileSync(record, 'utf8')), bytes: 1 }));
  return url;
}

test('in the middle of a restore, nothing is left of it', { skip: noMount }, async () => {
  const url = copyThatSeemsSmall();
  const segments = readdirSync(join(url, good.clusterId, 'wal')).filter((name) =>
    /^[0-9A-F]{24}-/.test(name),
  );
  const planned = segments.length * SEGMENT;
  // The files of the cluster do not fit, or the last WAL behind them does not.
  const sizes = {
    'cannot be unpacked': planned + MEGABYTE,
    'ENOSPC.*write': planned + good.bytes - MEGABYTE,
  };
  assert.ok(
    good.bytes > planned + 8 * MEGABYTE,
    `the backup has ${good.bytes} bytes, and the plan asks for ${planned}`,
  );
  for (const [what, bytes] of Object.entries(sizes)) {
    const ran = await onDisk(bytes, {
      first: ':',
      program: 'restore',
      args: ['--to', 'latest', '--from', url, '--into', join(disk, 'restored')],
      last: `ls -A '${disk}' | wc -l`,
    });
    assert.equal(ran.code, 1, ran.stderr);
    assert.match(ran.stderr, /no space is left on the disk of .*\/disk \(\d+ MB of \d+ MB are free\): /);
    assert.match(ran.stderr, new RegExp(what));
    assert.doesNotMatch(ran.stderr, /^\s+at /m, 'a stack trace');
    assert.equal(ran.stdout.trim(), '0', 'something is left on the disk');
  }
});
