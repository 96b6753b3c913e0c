// `npm test` that is told to end leaves nothing running: neither its PostgreSQL and Redis, nor a test, nor what that has started,
// nor a file.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { until } from '../until.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const START_MS = 120_000;
const STOP_MS = 30_000;

/** A test that has a Redis of its own, tells where it is and what it was given, and does not end by itself. */
const ENDLESS = `
import { renameSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { startOwnRedis } from '${ROOT}/test/redis/own-redis.ts';
const { pid, env } = process;
const own = env.TEST_REDIS_URL === '' ? '' : (await startOwnRedis()).url;
writeFileSync(env.TOLD_IN + '.new', JSON.stringify({ pid, urls: [env.TEST_OWNER_URL, env.TEST_REDIS_URL, own] }));
renameSync(env.TOLD_IN + '.new', env.TOLD_IN);
test('endless', () => new Promise((done) => setTimeout(done, 600_000)));
`;

function isOpen(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((done) => {
    const socket = connect(Number(port), hostname);
    socket.once('connect', () => done(true)).once('error', () => done(false));
    socket.once('connect', () => socket.destroy());
  });
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('SIGTERM to npm alone ends the test, PostgreSQL and Redis, and takes their folder away', {
  timeout: 200_000,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-stop-tests-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  // PostgreSQL may run as another user than we do.
  chmodSync(folder, 0o711);
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary, { mode: 0o711 });
  const [file, toldIn] = [join(folder, 'endless.test.ts'), join(folder, 'told.json')];
  writeFileSync(file, ENDLESS);
  const { NODE_TEST_CONTEXT: _ours, ...rest } = process.env;
  const npm: ChildProcess = spawn('npm', ['test', '--', file], {
    cwd: ROOT,
    env: { ...rest, TMPDIR: temporary, TOLD_IN: toldIn },
    stdio: 'ignore',
  });
  await until('the test runs', () => existsSync(toldIn), START_MS);
  const { pid, urls } = JSON.parse(readFileSync(toldIn, 'utf8')) as { pid: number; urls: string[] };
  const given = urls.filter((url) => url !== '');
  for (const url of given) assert.ok(await isOpen(url), 'it answers');
  npm.kill('SIGTERM');
  await until('the test is gone', () => !isRunning(pid), STOP_MS);
  for (const url of given)
    await until(`nothing answers on port ${new URL(url).port}`, async () => !(await isOpen(url)), STOP_MS);
  await until(
    'the folder is gone',
    () => !readdirSync(temporary).some((name) => name.startsWith('ppuri-test-')),
    STOP_MS,
  );
});
