// Two server processes behind the edge, under traffic: each is replaced, one dies, and no caller notices.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials, status } from '@grpc/grpc-js';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { renderEdge } from '../../envoy/render.ts';
import type { Envoy, EnvoyOptions } from '../../scripts/dev/envoy.ts';
import { type Answer, type ApiClient, grpcClient, restClient } from '../api-client.ts';
import { startTestEdge } from '../edge.ts';
import { makeKey } from '../keys.ts';
import { freePorts, type ServerProcess, startServerProcess } from '../processes.ts';
import { withoutEdge as skip } from '../skip.ts';
import {
  assertBooksBalance,
  makeDatabase,
  ownerPool,
  peopleOf,
  serverEnv,
  type TestDatabase,
} from '../stack.ts';
import { startTraffic, type TrafficRecord } from '../traffic.ts';
import { until } from './ops-client.ts';

const USERS = Array.from({ length: 20 }, (_, index) => 9601 + index);
/** About 100 calls a second. */
const CALLERS = { callers: 10, pauseMs: 90 };
const CALLS = 100;
const NOTICED_MS = 20_000;
let database: TestDatabase;
let folder: string;
let key: SigningKey;
let env: Record<string, string>;
let servers: ServerProcess[] = [];
let edge: Envoy | undefined;

before(async () => {
  if (skip) return;
  database = await makeDatabase();
  folder = mkdtempSync(join(tmpdir(), 'ppuri-rolling-'));
  key = await makeKey(database);
  env = serverEnv(database, folder);
});
afterEach(async () => {
  await edge?.stop();
  edge = undefined;
  await Promise.all(servers.map((server) => server.kill()));
  servers = [];
});
after(async () => {
  if (skip) return;
  const db = ownerPool(database);
  await assertBooksBalance(db).finally(() => db.end());
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts two servers, with people in their database, and an edge before them that finds both healthy. */
async function start(
  settings: Record<string, string>,
  more: Pick<EnvoyOptions, 'render'> = {},
): Promise<Envoy> {
  Object.assign(env, settings);
  const ports = [await freePorts(), await freePorts()];
  servers = await Promise.all(ports.map((one) => startServerProcess(env, one)));
  const client = grpcClient(servers[0]?.address ?? '', key);
  const people = peopleOf(database, client);
  await people.addUsers(USERS).catch(() => {});
  await people.fund(USERS, 100_000);
  client.close();
  edge = await startTestEdge(
    folder,
    ports.map(({ grpcPort }) => grpcPort),
    more,
  );
  await untilHealthy(edge, 2);
  return edge;
}

async function statOf({ adminUrl }: Envoy, name: string): Promise<number> {
  const text = await (
    await fetch(`${adminUrl}/stats?filter=${encodeURIComponent(`^cluster.server.${name}$`)}`)
  ).text();
  return Number(text.split(': ')[1] ?? Number.NaN);
}

const untilHealthy = (envoy: Envoy, count: number) =>
  until(`${count} healthy`, async () => (await statOf(envoy, 'membership_healthy')) === count, NOTICED_MS);

/** What came of the calls, and how many transfers were posted. */
type Outcome = TrafficRecord & { readonly posted: number };

function assertAllWell({ failed, posted, paid }: Outcome): void {
  assert.deepEqual(failed, []);
  assert.equal(posted, paid.size, 'each answer is one transfer, however often it was tried');
}

/**
 * Whether an answer broke off. Nobody on the way may try a call again whose answer has begun, so its caller does, once. Such
 * an answer has no reason over gRPC; over REST the edge has not passed anything on yet, and says UNAVAILABLE itself.
 */
function isCutOff(answer: Answer | Error, { name }: ApiClient): boolean {
  if (answer instanceof Error || answer.reason === '') return true;
  return name === 'REST' && answer.status === status.UNAVAILABLE;
}

/** Has traffic while something happens to the servers, and some before and after it. */
async function underTraffic({ restUrl, grpcAddress }: Envoy, happens: () => Promise<void>): Promise<Outcome> {
  const before = await transferCount();
  const clients = [grpcClient(grpcAddress, key), restClient(restUrl, key)];
  const traffic = startTraffic({ clients, users: USERS, ...CALLERS, retries: 1, isTransient: isCutOff });
  const { record } = traffic;
  await until('there is traffic', () => record.answers.length > CALLS, NOTICED_MS);
  const happened = happens().then(() => sleep(500));
  // Traffic that nobody stopped would go on for ever.
  await happened.catch(() => {}).then(() => traffic.stop());
  for (const client of clients) client.close();
  await happened;
  assert.ok(record.answers.length > 2 * CALLS);
  return { ...record, posted: (await transferCount()) - before };
}

async function transferCount(): Promise<number> {
  const db = ownerPool(database);
  const { rows } = await db
    .query(`SELECT count(*)::int AS count FROM transfers WHERE kind = 'transfer'`)
    .finally(() => db.end());
  return rows[0].count;
}

/** Replaces every server, one after the other, each on the ports of the one before it. */
async function replaceAll(envoy: Envoy): Promise<void> {
  for (const [index, old] of servers.entries()) {
    assert.equal(await old.stop(), 0);
    servers[index] = await startServerProcess(env, old);
    await untilHealthy(envoy, 2);
  }
}

/** The edge as it would be if it tried no call twice: what a process lets fall, a caller notices. */
const WITHOUT_RETRIES: Pick<EnvoyOptions, 'render'> = {
  render: (settings) => {
    const config = renderEdge(settings);
    assert.match(config, /num_retries: 2/);
    return config.replace('num_retries: 2', 'num_retries: 0');
  },
};
/** As in production. */
const DRAINING = { STOP_DRAIN_MS: '2000' };
const NOT_DRAINING = { STOP_DRAIN_MS: '0' };

test('each process is replaced: no call fails', { skip }, async () => {
  const envoy = await start(DRAINING);
  const outcome = await underTraffic(envoy, () => replaceAll(envoy));
  assertAllWell(outcome);
  assert.deepEqual(outcome.retried, []);
});

test('draining alone is enough: no call fails where the edge retries none', { skip }, async () => {
  const envoy = await start(DRAINING, WITHOUT_RETRIES);
  const outcome = await underTraffic(envoy, () => replaceAll(envoy));
  assertAllWell(outcome);
  assert.deepEqual(outcome.retried, []);
});

test('negative control: without draining, and no call tried again, calls fail', { skip }, async () => {
  const envoy = await start(NOT_DRAINING, WITHOUT_RETRIES);
  const { failed, retried } = await underTraffic(envoy, () => replaceAll(envoy));
  assert.ok(failed.length + retried.length > 0);
});

test('a process is killed: no call fails that the edge may try again, it is left out at once, and its successor is found', {
  skip,
}, async () => {
  const envoy = await start(DRAINING);
  const outcome = await underTraffic(envoy, async () => {
    const [first] = servers;
    await first?.kill();
    await untilHealthy(envoy, 1);
    assert.ok(
      (await statOf(envoy, 'outlier_detection.ejections_enforced_consecutive_local_origin_failure')) >= 1,
    );
    if (first) servers[0] = await startServerProcess(env, first);
    await untilHealthy(envoy, 2);
  });
  assertAllWell(outcome);
  // Those whose answer had begun in that moment, which is a very short one.
  assert.ok(outcome.retried.length <= 5, outcome.retried.join('\n'));
});

test('errors that clients provoke eject no process', { skip }, async () => {
  const envoy = await start(NOT_DRAINING);
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
  assert.equal(await statOf(envoy, 'outlier_detection.ejections_enforced_total'), 0);
  assert.equal(await statOf(envoy, 'membership_healthy'), 2);
});
