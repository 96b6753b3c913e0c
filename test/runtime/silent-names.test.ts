// A name server that is silent does not keep a program from ending: Node looks names up in threads, and ends after these.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runCommand } from '../../scripts/dev/processes.ts';
import { orSkip } from '../skip.ts';
import { makeDatabase, serverEnv, type TestDatabase } from '../stack.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'server', 'main.ts');
/** A loopback address that nothing else listens on. */
const NAME_SERVER = '127.0.0.77';
/** Longer than it takes to stop, and much shorter than the lookups of the control take. */
const SOON_MS = 6_000;

const { ok } = await runCommand('unshare', ['--mount', 'true']);
const { skip } = orSkip(ok ? { path: 'unshare' } : { reason: 'only root mounts' }, 'another resolv.conf');

const folder = mkdtempSync(join(tmpdir(), 'ppuri-names-'));
const resolver = join(folder, 'resolv.conf');
const silent = createSocket('udp4');
let asked = 0;
let database: TestDatabase;
before(async () => {
  if (skip) return;
  database = await makeDatabase();
  writeFileSync(resolver, `nameserver ${NAME_SERVER}\nsearch .\n`);
  silent.on('message', () => {
    asked += 1;
  });
  silent.bind(53, NAME_SERVER);
  await once(silent, 'listening');
});
after(async () => {
  silent.close();
  await database?.drop();
  rmSync(folder, { recursive: true });
});

/** Starts a server whose Redis has a name, stops it, and returns how long that took, in milliseconds, and its exit code. */
async function stopServer(env: NodeJS.ProcessEnv = {}): Promise<{ tookMs: number; code: unknown }> {
  const script = `mount --bind ${resolver} /etc/resolv.conf && exec ${process.execPath} ${MAIN}`;
  const server = spawn('unshare', ['--mount', 'sh', '-c', script], {
    env: {
      ...serverEnv(database, folder),
      PATH: process.env.PATH,
      REDIS_URL: 'redis://redis.example:6379',
      ...env,
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(server, 'exit');
  await Promise.race([once(server, 'message'), ended]);
  const startedAt = performance.now();
  server.kill('SIGTERM');
  const [code] = await ended;
  return { tookMs: performance.now() - startedAt, code };
}

test('a server whose name server is silent ends as soon as it has stopped', { skip }, async () => {
  const { tookMs, code } = await stopServer();
  assert.equal(code, 0);
  assert.ok(asked > 0);
  assert.ok(tookMs < SOON_MS, `${tookMs} ms`);
});

test('negative control: where lookups take longer, it ends later', { skip }, async () => {
  const { tookMs } = await stopServer({ RES_OPTIONS: 'timeout:15 attempts:1' });
  assert.ok(tookMs > SOON_MS, `${tookMs} ms`);
});
