// Two server processes behind the edge, under traffic: each is replaced, one dies, and no caller notices.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, credentials, status } from '@grpc/grpc-js';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { renderEdge } from '../../envoy/render.ts';
import type { Envoy } from '../../scripts/dev/envoy.ts';
import { type Answer, type ApiClient, grpcClient, restClient } from '../api-client.ts';
import { startTestEdge } from '../edge.ts';
import { makeKey } from '../keys.ts';
import { freePorts, type ServerPorts, type ServerProcess, startServerProcess } from '../processes.ts';
import { withoutEdge as skip } from '../skip.ts';
import {
  assertBooksBalance,
  makeDatabase,
  ownerPool,
  peopleOf,
  serverEnv,
  type TestDatabase,
} from '../stack.ts';
import { fundDirectly } from '../test-ledger.ts';
import { startTraffic, type TrafficRecord } from '../traffic.ts';
import { until } from '../until.ts';

const USERS = Array.from({ length: 20 }, (_, index) => 9601 + index);
/** About 100 calls a second. */
const CALLERS = { callers: 10, pauseMs: 90 };
const CALLS = 100;
const NOTICED_MS = 20_000;
/** As in production. */
const DRAIN_MS = 2_000;

/** The edges of these tests. One tries no call twice: what a process drops, its callers notice. */
const EDGES = {
  retrying: (config: string) => config,
  'not retrying': (config: string) => replaceIn(config, 'num_retries: 2', 'num_retries: 0'),
};
type EdgeName = keyof typeof EDGES;

let database: TestDatabase;
let folder: string;
let key: SigningKey;
let env: Record<string, string>;
let ports: ServerPorts[];
/** The tests share two servers and put back what they end; undefined are those that do not run. */
const servers: ({ readonly process: ServerProcess; readonly drainMs: number } | undefined)[] = [];
const edges = new Map<EdgeName, Envoy>();

before(async () => {
  if (skip) return;
  database = await makeDatabase();
  folder = mkdtempSync(join(tmpdir(), 'ppuri-rolling-'));
  key = await makeKey(database);
  env = serverEnv(database, folder);
  ports = [await freePorts(), await freePorts()];
  await peopleOf(database).addUsers(USERS);
  await fundDirectly(database, USERS, 100_000);
});
after(async () => {
  if (skip) return;
  await Promise.all([...edges.values()].map((edge) => edge.stop()));
  await Promise.all(servers.map((server) => server?.process.kill()));
  const db = ownerPool(database);
  await assertBooksBalance(db).finally(() => db.end());
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

function replaceIn(config: string, what: string, by: string): string {
  assert.ok(config.includes(what), what);
  return config.replace(what, by);
}

async function startServer(index: number, drainMs = DRAIN_MS): Promise<void> {
  const process = await startServerProcess({ ...env, STOP_DRAIN_MS: String(drainMs) }, ports[index]);
  servers[index] = { process, drainMs };
}

/** Ends a server and returns its exit code. */
async function endServer(index: number, how: 'stop' | 'kill'): Promise<number | null | undefined> {
  const server = servers[index];
  servers[index] = undefined;
  return (await server?.process[how]()) ?? undefined;
}

/** An edge that finds two servers healthy, of which the first drains for so long when it stops. */
async function start(name: EdgeName, drainMs = DRAIN_MS): Promise<Envoy> {
  const isWanted = (index: number) => servers[index] && (index > 0 || servers[index].drainMs === drainMs);
  const starting = ports.map(async (_, index) => {
    if (isWanted(index)) return;
    await endServer(index, 'kill');
    await startServer(index, drainMs);
  });
  await Promise.all(starting);
  const edge = edges.get(name) ?? (await startEdge(name));
  edges.set(name, edge);
  await untilHealthy(edge, 2);
  return edge;
}

function startEdge(name: EdgeName): Promise<Envoy> {
  return startTestEdge(
    join(folder, name),
    ports.map(({ grpcPort }) => grpcPort),
    {
      // Where the machine is busy, a server that is well may take a second for a health check. One that stops or is gone
      // says so at once.
      render: (settings) =>
        EDGES[name](replaceIn(renderEdge(settings), '- timeout: 1s', `- timeout: ${NOTICED_MS / 1000}s`)),
    },
  );
}

async function statOf({ adminUrl }: Envoy, name: string): Promise<number> {
  const text = await (
    await fetch(`${adminUrl}/stats?filter=${encodeURIComponent(`^cluster.server.${name}$`)}`)
  ).text();
  return Number(text.split(': ')[1] ?? Number.NaN);
}

const untilHealthy = (envoy: Envoy, count: number) =>
  until(`${count} healthy`, async () => (await statOf(envoy, 'membership_healthy')) === count, NOTICED_MS);

/** What the callers of each edge saw, and how many transfers were posted. */
interface Outcome {
  readonly records: readonly TrafficRecord[];
  readonly posted: number;
}

function assertAllWell({ records, posted }: Outcome): void {
  for (const { failed } of records) assert.deepEqual(failed, []);
  const paid = records.reduce((sum, record) => sum + record.paid.size, 0);
  assert.equal(posted, paid, 'each answer is one transfer, however often it was tried');
}

/**
 * Whether an answer broke off. Nobody on the way may try a call again whose answer has begun, so its caller does, once. Such
 * an answer has no reason over gRPC; over REST the edge has not passed anything on yet, and says UNAVAILABLE itself.
 */
function isCutOff(answer: Answer | Error, { name }: ApiClient): boolean {
  if (answer instanceof Error || answer.reason === '') return true;
  return name === 'REST' && answer.status === status.UNAVAILABLE;
}

/** Has traffic through these edges while something happens to the servers, and some before and after it. */
async function underTraffic(through: readonly Envoy[], happens: () => Promise<void>): Promise<Outcome> {
  const before = await transferCount();
  const callers = CALLERS.callers / through.length;
  const clients = through.map((edge) => [grpcClient(edge.grpcAddress, key), restClient(edge.restUrl, key)]);
  const traffic = clients.map((clients) =>
    startTraffic({ clients, users: USERS, ...CALLERS, callers, retries: 1, isTransient: isCutOff }),
  );
  const records = traffic.map(({ record }) => record);
  const untilCalls = (count: number) => {
    const enough = ({ answers }: TrafficRecord) => answers.length >= count / through.length;
    return until(`${count} calls`, () => records.every(enough), 3 * NOTICED_MS);
  };
  const happened = untilCalls(CALLS)
    .then(happens)
    .then(() =>
      untilCalls(Math.max(...records.map(({ answers }) => answers.length)) * through.length + CALLS),
    );
  // Traffic that nobody stopped would go on for ever.
  await happened.catch(() => {}).then(() => Promise.all(traffic.map((one) => one.stop())));
  for (const client of clients.flat()) client.close();
  await happened;
  return { records, posted: (await transferCount()) - before };
}

async function transferCount(): Promise<number> {
  const db = ownerPool(database);
  const { rows } = await db
    .query(`SELECT count(*)::int AS count FROM transfers WHERE kind = 'transfer'`)
    .finally(() => db.end());
  return rows[0].count;
}

/** Replaces a server by one on its ports, which all edges find. */
async function replace(index: number): Promise<void> {
  assert.equal(await endServer(index, 'stop'), 0);
  await startServer(index);
  await Promise.all([...edges.values()].map((edge) => untilHealthy(edge, 2)));
}

let replacing: Promise<Outcome> | undefined;
/** Replaces each server while there is traffic through both edges; once for the tests that judge it. */
function replaceAll(): Promise<Outcome> {
  const replaceEach = async () => {
    const through = [await start('retrying'), await start('not retrying')];
    return underTraffic(through, async () => {
      for (const index of ports.keys()) await replace(index);
    });
  };
  replacing ??= replaceEach();
  return replacing;
}

test('each process is replaced: no call fails', { skip }, async () => {
  const outcome = await replaceAll();
  assertAllWell(outcome);
  assert.deepEqual(outcome.records[0]?.retried, []);
});

test('draining alone is enough: no call fails where the edge retries none', { skip }, async () => {
  const outcome = await replaceAll();
  assertAllWell(outcome);
  assert.deepEqual(outcome.records[1]?.retried, []);
});

test('negative control: without draining, and no call tried again, calls fail', { skip }, async () => {
  const edge = await start('not retrying', 0);
  const { records } = await underTraffic([edge], () => replace(0));
  assert.ok(records.some(({ failed, retried }) => failed.length + retried.length > 0));
});

test('a process is killed: no call fails that the edge may try again, it is left out at once, and its successor is found', {
  skip,
}, async () => {
  const edge = await start('retrying');
  const ejections = () =>
    statOf(edge, 'outlier_detection.ejections_enforced_consecutive_local_origin_failure');
  const before = await ejections();
  const outcome = await underTraffic([edge], async () => {
    await endServer(0, 'kill');
    await untilHealthy(edge, 1);
    assert.ok((await ejections()) > before);
    await startServer(0);
    await untilHealthy(edge, 2);
  });
  assertAllWell(outcome);
  // Those whose answer had begun in that moment, which is a very short one.
  const [{ retried } = { retried: [] }] = outcome.records;
  assert.ok(retried.length <= 5, retried.join('\n'));
});

test('errors that clients provoke eject no process', { skip }, async () => {
  const envoy = await start('retrying');
  const ejections = () => statOf(envoy, 'outlier_detection.ejections_enforced_total');
  const before = await ejections();
  const client = new Client(envoy.grpcAddress, credentials.createInsecure());
  const asIs = (bytes: Buffer) => bytes;
  // The edge counts UNIMPLEMENTED as HTTP 501; five in a row would have a process left out, were answers counted.
  for (let call = 0; call < 30; call++) {
    const code = await new Promise((resolve) => {
      const path = '/wallet.v1.NoService/NoMethod';
      client.makeUnaryRequest(path, asIs, asIs, Buffer.alloc(0), (error) => resolve(error?.code));
    });
    assert.equal(code, status.UNIMPLEMENTED);
  }
  client.close();
  assert.equal(await ejections(), before);
  assert.equal(await statOf(envoy, 'membership_healthy'), 2);
});
