// The name server falls silent: connections that are open go on, and calls that need a new one are refused in time.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { as } from '../api.ts';
import { type ApiClient, grpcClient } from '../api-client.ts';
import { makeKey } from '../keys.ts';
import { type NameServer, withoutOwnNames as skip, startNameServer } from '../name-server.ts';
import { freePorts, type ServerPorts } from '../processes.ts';
import { readPage } from '../runtime/ops-client.ts';
import { makeDatabase, peopleOf, serverEnv, type TestDatabase } from '../stack.ts';
import { until } from '../until.ts';

const MAIN = new URL('../../src/server/main.ts', import.meta.url);
const [PAYER, PAYEE] = [8901, 8902];
/** CALL_TIMEOUT_MS. */
const DEADLINE_MS = 9_000;
/** So long that health would have noticed. */
const A_WHILE_MS = 2_000;
const folder = mkdtempSync(join(tmpdir(), 'ppuri-names-'));
let names: NameServer;
let database: TestDatabase;
let server: ChildProcess;
let ports: ServerPorts;
let client: ApiClient;

before(async () => {
  if (skip) return;
  database = await makeDatabase();
  const key = await makeKey(database);
  names = await startNameServer('127.0.0.78');
  const env = serverEnv(database, folder);
  const named = (url = '') => Object.assign(new URL(url), { hostname: 'dependency.example' }).href;
  ports = await freePorts();
  server = names.start(MAIN, {
    ...env,
    DATABASE_URL: named(env.DATABASE_URL),
    ADMIN_DATABASE_URL: named(env.ADMIN_DATABASE_URL),
    REDIS_URL: named(env.REDIS_URL),
    GRPC_PORT: String(ports.grpcPort),
    OPS_PORT: String(ports.opsPort),
  });
  await once(server, 'message');
  client = grpcClient(`127.0.0.1:${ports.grpcPort}`, key);
  const people = peopleOf(database, client);
  await people.addUsers([PAYER, PAYEE]);
  await people.fund([PAYER], 1_000_000);
});
after(async () => {
  client?.close();
  if (server?.kill('SIGTERM')) await once(server, 'exit');
  names?.[Symbol.dispose]();
  await database?.drop();
  rmSync(folder, { recursive: true });
});

const pay = () => as(PAYER, client).pay(PAYEE, 1);
const readiness = () => readPage(`http://127.0.0.1:${ports.opsPort}`, '/readyz');

/** Ends all sessions of the server, as a failover does. */
async function endSessions(): Promise<void> {
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename <> current_user`,
  );
  await owner.end();
}

test('open connections go on; without them calls are UNAVAILABLE in time, until names are found again', {
  skip,
}, async () => {
  assert.equal((await pay()).status, 0);
  names.isSilent = true;
  for (const end = performance.now() + A_WHILE_MS; performance.now() < end; )
    assert.equal((await pay()).status, 0);
  assert.equal((await readiness()).status, 200);

  await endSessions();
  const asked = names.asked;
  const startedAt = performance.now();
  const refused = await pay();
  assert.equal(refused.reason, 'UNAVAILABLE');
  assert.ok(performance.now() - startedAt < DEADLINE_MS);
  assert.ok(names.asked > asked, 'it asked for a name');
  await until('not ready', async () => (await readiness()).status === 503);

  names.isSilent = false;
  await until('it pays again', async () => (await pay()).status === 0);
  await until('ready', async () => (await readiness()).status === 200);
});
