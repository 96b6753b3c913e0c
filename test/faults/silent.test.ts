// Connections to Postgres go dead without a word, as behind a firewall that forgot them: they are given up, and health
// says what calls meet meanwhile.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createOutboxListener } from '../../src/db/jobs/outbox-listener.ts';
import { createServerProgram, type ServerProgram } from '../../src/server/compose.ts';
import { readServerConfig } from '../../src/server/config.ts';
import { actingAs, as } from '../api.ts';
import { type ApiClient, grpcClient } from '../api-client.ts';
import { makeKey } from '../keys.ts';
import { readMetrics, readPage, sumOf } from '../runtime/ops-client.ts';
import { makeDatabase, peopleOf, serverEnv, type TestDatabase } from '../stack.ts';
import { startTcpProxy, type TcpProxy } from '../tcp-proxy.ts';
import { until } from '../until.ts';

const LANES = 2;
const [PAYER, PAYEE] = [8601, 8602];
/** A statement's timeout and a second, twice, and room for a busy machine. */
const WELL_WITHIN_MS = 25_000;
let database: TestDatabase;
let proxy: TcpProxy;
let folder: string;
let app: ServerProgram;
let client: ApiClient;

before(async () => {
  database = await makeDatabase();
  folder = mkdtempSync(join(tmpdir(), 'ppuri-silent-'));
  const url = new URL(database.appUrl);
  proxy = await startTcpProxy(Number(url.port));
  url.port = String(proxy.port);
  url.hostname = '127.0.0.1';
  const key = await makeKey(database);
  app = await createServerProgram(
    readServerConfig({ ...serverEnv(database, folder), DATABASE_URL: url.href }),
  );
  client = grpcClient(`127.0.0.1:${app.grpcPort}`, key);
  const people = peopleOf(database, client);
  await people.addUsers([PAYER, PAYEE]);
  await people.fund([PAYER], 1_000_000);
});
after(async () => {
  client?.close();
  await app?.stop();
  proxy?.close();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

let users = 8700;
let transferId = '';
const pay = async (key: string = crypto.randomUUID()) => (await as(PAYER, client).pay(PAYEE, 1, key)).status;
/** Calls that use each of the pools: the ledger's, that of reads, that of people. */
const CALLS: Record<string, () => Promise<number>> = {
  pay,
  read: async () => {
    const request = { transfer_id: transferId };
    return (await client.call('wallet.v2.TransferService/GetTransfer', request, actingAs(PAYER))).status;
  },
  'make a user': async () => {
    users += 1;
    const request = { user_id: String(users), display_name: 'New' };
    return (await client.call('wallet.v2.UserService/CreateUser', request, { userId: '0' })).status;
  },
};
const ledgerConnections = async () =>
  sumOf(await readMetrics(`http://127.0.0.1:${app.opsPort}`), 'ppuri_pool_connections', {
    pool: 'ledger',
    state: 'total',
  });
const readiness = async () => (await readPage(`http://127.0.0.1:${app.opsPort}`, '/readyz')).status;

async function poolsReconnect(): Promise<void> {
  const first = await as(PAYER, client).pay(PAYEE, 1);
  transferId = String(first.body.transaction_id);
  for (const [name, call] of Object.entries(CALLS)) assert.equal(await call(), 0, name);
  assert.equal(await readiness(), 200);
  // Both lanes of the ledger have a connection.
  await until(
    'two connections',
    async () => {
      await Promise.all(Array.from({ length: 20 }, (_, index) => sleep(index).then(() => pay())));
      return (await ledgerConnections()) >= LANES;
    },
    WELL_WITHIN_MS,
  );
  proxy.silence();
  // One after the other, so that each lane has some: none of them gets an answer.
  const keys = Array.from({ length: 6 }, () => crypto.randomUUID());
  let isOver = false;
  const trying = keys.map(async (key, index) => {
    await sleep(100 * index);
    const statuses: number[] = [];
    while (!isOver && statuses.at(-1) !== 0) statuses.push(await pay(key));
    return statuses;
  });
  await until('not ready while nothing succeeds', async () => (await readiness()) === 503, WELL_WITHIN_MS);
  try {
    for (const [name, call] of Object.entries(CALLS))
      await until(`can ${name}`, async () => (await call()) === 0, WELL_WITHIN_MS);
    await until('ready', async () => (await readiness()) === 200, WELL_WITHIN_MS);
  } finally {
    isOver = true;
  }
  for (const statuses of await Promise.all(trying))
    for (const status of statuses) assert.ok([0, 4, 14].includes(status), `status ${status}`);
}

async function listenerReconnects(): Promise<void> {
  const proxy = await startTcpProxy(Number(new URL(database.workerUrl).port));
  const url = new URL(database.workerUrl);
  url.port = String(proxy.port);
  url.hostname = '127.0.0.1';
  let heard = 0;
  const listener = createOutboxListener(
    url.href,
    () => {
      heard += 1;
    },
    () => {},
  );
  try {
    await until('listening', async () => heard > 0, WELL_WITHIN_MS);
    proxy.silence();
    const before = heard;
    await until('listening again', async () => heard > before, WELL_WITHIN_MS);
  } finally {
    await listener[Symbol.asyncDispose]();
    proxy.close();
  }
}

describe('connections that go dead silently', { concurrency: true }, () => {
  test('pools give them up within seconds, and readiness is 503 meanwhile', poolsReconnect);
  test('the connection that listens to the outbox is opened again', listenerReconnects);
});
