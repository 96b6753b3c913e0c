// A start that fails half way, and a stop, leave nothing open: no connection, no listening port, no timer.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServerProgram } from '../../src/server/compose.ts';
import { readServerConfig } from '../../src/server/config.ts';
import { createWorkerProgram } from '../../src/worker/compose.ts';
import { readWorkerConfig } from '../../src/worker/config.ts';
import { given, makeDatabase, ownerPool, serverEnv, type TestDatabase } from '../stack.ts';

let database: TestDatabase;
let taken: Server;
const logDir = mkdtempSync(join(tmpdir(), 'ppuri-start-'));
before(async () => {
  database = await makeDatabase();
  taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
});
after(async () => {
  taken.close();
  await database.drop();
  rmSync(logDir, { recursive: true });
});

/** A port that somebody else listens on. */
const takenPort = () => String((taken.address() as AddressInfo).port);

/** What this process holds open: sockets, servers and timers. */
function held(): number {
  const kinds = /^(TCP|Pipe|TLS|Timeout)/;
  return process.getActiveResourcesInfo().filter((kind) => kinds.test(kind)).length;
}

/** How many sessions our programs have with the database. */
async function sessions(): Promise<number> {
  const owner = ownerPool(database);
  const { rows } = await owner.query(
    `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  );
  await owner.end();
  return rows[0].count;
}

/** Waits a moment for what ends by itself, such as the other end of a socket that was closed. */
async function assertNothingIsLeft(heldBefore: number): Promise<void> {
  for (let i = 0; i < 50 && held() > heldBefore; i++) await sleep(100);
  assert.ok(held() <= heldBefore, `left open: ${process.getActiveResourcesInfo()}`);
  assert.equal(await sessions(), 0, 'a session with Postgres is left');
  // The socket of the question itself.
  for (let i = 0; i < 50 && held() > heldBefore; i++) await sleep(10);
}

const workerEnv = () => ({
  DATABASE_URL: database.workerUrl,
  REDIS_URL: given('TEST_REDIS_URL'),
  LOG_STDOUT: 'none',
  OPS_PORT: '0',
});

test('a server whose port is taken leaves nothing open', async () => {
  const heldBefore = held();
  const config = readServerConfig({ ...serverEnv(database, logDir), GRPC_PORT: takenPort() });
  await assert.rejects(createServerProgram(config));
  await assertNothingIsLeft(heldBefore);
});

test('a worker whose port of health and metrics is taken leaves nothing open', async () => {
  const heldBefore = held();
  await assert.rejects(createWorkerProgram(readWorkerConfig({ ...workerEnv(), OPS_PORT: takenPort() })));
  await assertNothingIsLeft(heldBefore);
});

test('a server and a worker that were stopped leave nothing open', async () => {
  const heldBefore = held();
  const server = await createServerProgram(readServerConfig(serverEnv(database, logDir)));
  const worker = await createWorkerProgram(readWorkerConfig(workerEnv()));
  assert.ok((await sessions()) > 0);
  await server.stop();
  await worker.stop();
  await assertNothingIsLeft(heldBefore);
});
