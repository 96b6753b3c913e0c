// A name server that is silent does not keep a program from ending: Node looks names up in threads, and ends after these.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type NameServer, withoutOwnNames as skip, startNameServer } from '../name-server.ts';
import { makeDatabase, serverEnv, type TestDatabase } from '../stack.ts';

const MAIN = new URL('../../src/server/main.ts', import.meta.url);
/** Longer than it takes to stop, and much shorter than the lookups of the control take. */
const SOON_MS = 6_000;

const folder = mkdtempSync(join(tmpdir(), 'ppuri-names-'));
let names: NameServer;
let database: TestDatabase;
before(async () => {
  if (skip) return;
  database = await makeDatabase();
  names = await startNameServer('127.0.0.77');
  names.isSilent = true;
});
after(async () => {
  names?.[Symbol.dispose]();
  await database?.drop();
  rmSync(folder, { recursive: true });
});

/** Starts a server whose Redis has a name, stops it, and returns how long that took, in milliseconds, and its exit code. */
async function stopServer(env: NodeJS.ProcessEnv = {}): Promise<{ tookMs: number; code: unknown }> {
  const server = names.start(MAIN, {
    ...serverEnv(database, folder),
    REDIS_URL: 'redis://redis.example:6379',
    ...env,
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
  assert.ok(names.asked > 0);
  assert.ok(tookMs < SOON_MS, `${tookMs} ms`);
});

test('negative control: where lookups take longer, it ends later', { skip }, async () => {
  const { tookMs } = await stopServer({ RES_OPTIONS: 'timeout:15 attempts:1' });
  assert.ok(tookMs > SOON_MS, `${tookMs} ms`);
});
