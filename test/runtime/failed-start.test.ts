// A start that fails half way, and a stop, leave nothing open: no connection, no listening port, no timer. A program that is told to
// stop while it starts stops in order, too.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServerProgram } from '../../src/server/compose.ts';
import { readServerConfig } from '../../src/server/config.ts';
import { createWorkerProgram } from '../../src/worker/compose.ts';
import { readWorkerConfig } from '../../src/worker/config.ts';
import { given, makeDatabase, ownerPool, serverEnv, type TestDatabase } from '../stack.ts';
import { until } from '../until.ts';

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

for (const [name, env] of [
  ['server', () => serverEnv(database, logDir)],
  ['worker', workerEnv],
] as const) {
  test(`a ${name} that gets a signal while it starts stops in order once it has started`, async () => {
    // A start waits for Redis, which does not answer before the signal was sent.
    const sockets: Socket[] = [];
    let isOpen = false;
    const pass = (socket: Socket) => {
      const redis = connect(Number(new URL(given('TEST_REDIS_URL')).port), '127.0.0.1');
      socket.pipe(redis).pipe(socket);
      for (const one of [socket, redis]) one.on('error', () => {});
    };
    const gate = createServer((socket) => (isOpen ? pass(socket) : sockets.push(socket)));
    await once(gate.listen(0, '127.0.0.1'), 'listening');
    const main = join(import.meta.dirname, '..', '..', 'src', name, 'main.ts');
    const { port } = gate.address() as AddressInfo;
    const program = spawn(process.execPath, [main], {
      env: { ...env(), PATH: process.env.PATH, REDIS_URL: `redis://127.0.0.1:${port}` },
      stdio: 'ignore',
    });
    const ended = once(program, 'exit');
    try {
      await once(gate, 'connection');
      program.kill('SIGTERM');
      await sleep(100);
      isOpen = true;
      for (const socket of sockets) pass(socket);
      assert.deepEqual(await ended, [0, null]);
      await until('Postgres has ended its sessions', async () => (await sessions()) === 0);
    } finally {
      program.kill('SIGKILL');
      gate.close();
    }
  });
}
