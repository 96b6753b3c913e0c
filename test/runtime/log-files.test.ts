// The files of the logs: who may read them, what happens when they are rotated, when a disk is full, and after a crash.
import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runCommand } from '../../scripts/dev/processes.ts';
import { createLogs, type Logs } from '../../src/runtime/logs.ts';
import { until } from '../until.ts';
import { someTransfer } from './transfers.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ppuri-log-files-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const openLogs = (dir: string) => createLogs({ folder: dir, stdout: 'none', level: 'info' });

/** The request ids of all lines in these files; each line has to be one JSON document. */
function requestIdsIn(paths: readonly string[]): string[] {
  return paths.flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line)['http.request.id']),
  );
}

/** Logs a line to each log. */
async function useAll(logs: Logs): Promise<void> {
  logs.app.info('one');
  logs.posted(someTransfer(), 'request-1', undefined);
  logs.acted({
    actId: crypto.randomUUID(),
    keyId: '',
    actor: 'stranger',
    clientAddress: '127.0.0.1',
    rpc: 'admin.v1.JobService/ListJobs',
    target: '',
    outcome: 'denied',
    reason: 'SCOPE_MISSING',
    requestId: 'request-2',
    count: 1,
  });
  await logs[Symbol.asyncDispose]();
}

test('log files are for their owner alone, in a folder for their owner alone, whatever they were before', async () => {
  const dir = join(folder, 'modes');
  mkdirSync(dir, { mode: 0o755 });
  chmodSync(dir, 0o755);
  for (const name of ['app.log', 'transactions.log']) {
    writeFileSync(join(dir, name), '');
    chmodSync(join(dir, name), 0o666);
  }
  const fresh = join(folder, 'new', 'deep');
  for (const place of [dir, fresh]) {
    await useAll(openLogs(place));
    assert.equal(modeOf(place), '700');
    assert.deepEqual(readdirSync(place).sort(), ['app.log', 'audit.log', 'transactions.log']);
    for (const name of readdirSync(place)) assert.equal(modeOf(join(place, name)), '600', name);
  }
});

test('a folder that holds more than logs keeps its mode: it is not ours alone', async () => {
  const dir = join(folder, 'shared');
  mkdirSync(join(dir, 'other'), { recursive: true });
  chmodSync(dir, 0o755);
  await useAll(openLogs(dir));
  assert.equal(modeOf(dir), '755');
  assert.equal(modeOf(join(dir, 'app.log')), '600');
});

test('under load a rotated log goes on in a new file: each line is in one file, whole and once', async () => {
  const dir = join(folder, 'rotated');
  const logs = openLogs(dir);
  const path = join(dir, 'transactions.log');
  let sent = 0;
  const load = setInterval(() => {
    for (let i = 0; i < 50; i++) logs.posted(someTransfer(), `request-${sent++}`, undefined);
  }, 5);
  for (let turn = 1; turn <= 3; turn++) {
    await until('there are lines', () => existsSync(path) && statSync(path).size > 0);
    renameSync(path, `${path}.${turn}`);
    // As logrotate does it with `create 0644`, and with `nocreate`.
    if (turn === 2) writeFileSync(path, '', { mode: 0o644 });
  }
  await until('there is a new file', () => existsSync(path));
  clearInterval(load);
  await logs[Symbol.asyncDispose]();
  const names = readdirSync(dir).filter((name) => name.startsWith('transactions'));
  const paths = names.map((name) => join(dir, name));
  assert.equal(paths.length, 4);
  for (const file of paths) assert.equal(modeOf(file), '600', file);
  const found = requestIdsIn(paths);
  assert.equal(found.length, sent);
  assert.equal(new Set(found).size, sent);
  assert.equal(logs.counts().transactions?.written, sent);
});

test('half a line that a crash left does not spoil the line that follows it', async () => {
  const dir = join(folder, 'torn');
  mkdirSync(dir);
  appendFileSync(join(dir, 'app.log'), '{"half": ');
  await useAll(openLogs(dir));
  const lines = readFileSync(join(dir, 'app.log'), 'utf8').split('\n');
  assert.deepEqual([lines[0], JSON.parse(lines[1] ?? '').message, lines[2]], ['{"half": ', 'one', '']);
});

test('where a file cannot be opened, lines wait, failures are counted, and nobody is told otherwise', async () => {
  const dir = join(folder, 'blocked');
  mkdirSync(join(dir, 'app.log'), { recursive: true });
  const logs = openLogs(dir);
  logs.app.info('one');
  await until('a failure is counted', () => (logs.counts().app?.failures ?? 0) > 0);
  rmSync(join(dir, 'app.log'), { recursive: true });
  await until('the line is written', () => logs.counts().app?.written === 1);
  await logs[Symbol.asyncDispose]();
  assert.equal(JSON.parse(readFileSync(join(dir, 'app.log'), 'utf8')).message, 'one');
});

const NAMESPACE = ['--user', '--map-root-user', '--mount'];
const noMount =
  process.platform !== 'linux' || !(await runCommand('unshare', [...NAMESPACE, 'true'])).ok
    ? 'no disk of its own can be mounted here'
    : false;

test('on a full disk no line is torn or slow, what is lost is counted, and the log goes on once there is room', {
  skip: noMount,
}, async () => {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  const script = join(import.meta.dirname, 'full-disk-writer.ts');
  const steps = [
    'mount -t tmpfs -o size=24m tmpfs "$1"',
    // Leaves 300 KiB and a part of a page's worth of lines.
    'head -c $((24 * 1024 * 1024 - 307200)) /dev/zero > "$1/filler"',
    'exec "$0" "$2" "$1"',
  ];
  const args = [...NAMESPACE, 'sh', '-ec', steps.join('; '), process.execPath, disk, script];
  const { ok, stdout, output } = await runCommand('unshare', args);
  assert.ok(ok, output.slice(-2000));
  const { sent, slowMs, full, after, text } = JSON.parse(stdout);
  assert.ok(full.failures > 0 && full.lost > 0 && full.written > 0, JSON.stringify(full));
  const lines = String(text).split('\n').slice(0, -1);
  const found = lines.map((line) => JSON.parse(line)['http.request.id']);
  assert.equal(found.length, after.written);
  assert.equal(new Set(found).size, found.length);
  assert.equal(after.written + after.lost, sent);
  assert.deepEqual(
    found.slice(-100),
    Array.from({ length: 100 }, (_, i) => `request-${sent - 100 + i}`),
  );
  assert.ok(slowMs < 20, `one call of a hundred waited ${slowMs} ms for the log`);
});
