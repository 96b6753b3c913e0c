// From the last release to this version and back under load: migrate first, then one program after the other, as operators do.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import pg from 'pg';
import { renderEdge } from '../../../envoy/render.ts';
import type { Envoy } from '../../../scripts/dev/envoy.ts';
import { type ForkedProgram, forkProgram } from '../../../scripts/dev/programs.ts';
import { reconcile } from '../../../src/db/jobs/index.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { MIGRATION_FOLDERS, migrationsIn } from '../../../src/db/schema-state.ts';
import { createServerProgram } from '../../../src/server/compose.ts';
import { readServerConfig } from '../../../src/server/config.ts';
import { as, withKey, won } from '../../api.ts';
import { type Answer, type ApiClient, grpcClient, restClient } from '../../api-client.ts';
import { startTestEdge } from '../../edge.ts';
import { assertNothingLost } from '../../faults/history.ts';
import { freePorts, type ServerPorts } from '../../processes.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../../redis/own-redis.ts';
import { withoutEdge } from '../../skip.ts';
import { assertBooksBalance, given, ownerPool, peopleOf, serverEnv, type TestDatabase } from '../../stack.ts';
import { createTestPool } from '../../test-pool.ts';
import { startTraffic } from '../../traffic.ts';
import { until } from '../../until.ts';
import { persistent, startMixedLoad } from './mixed-load.ts';
import { type Released, unpackReleased } from './released.ts';
import { ACROSS, createSprinklesAcross } from './sprinkles-across.ts';

const skip = withoutEdge || withoutRedis;
const ROOM = 'upgrade';
/** Those whose balances are held against every payment, and those of all else. */
const PAYERS = Array.from({ length: 8 }, (_, index) => 9701 + index);
const OTHERS = Array.from({ length: 6 }, (_, index) => 9801 + index);
/** One whose money is held by this version while the release runs. */
const HOLDER = 9901;
const HELD = 600_000;
/** Who makes sprinkles under one version that the other one claims, and who claims. */
const SPRINKLERS = [9902, 9903, 9904] as const;
/** They try again until they are answered; how often that was is printed. */
const CALLERS = { callers: 8, pauseMs: 60, retries: Number.POSITIVE_INFINITY };
const START = 1_000_000;
/** How much load there is before, between and after the steps. */
const CALLS_A_STEP = 80;
const HEALTHY_WITHIN_MS = 30_000;
/** On a machine that is busy with much else; alone it takes a minute and a half. */
const LONGEST_MS = 900_000;
/** What a process that stops may answer, and what the caller then does again under the same key. */
const TRANSIENT = new Set([status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.ABORTED]);

type Version = 'released' | 'present';

const folder = mkdtempSync(join(tmpdir(), 'ppuri-upgrade-'));
const CURRENT = {
  server: new URL('../../../src/server/main.ts', import.meta.url),
  worker: new URL('../../../src/worker/main.ts', import.meta.url),
};
let released: Released;
let database: TestDatabase;
let redis: OwnRedis;
let db: pg.Pool;
let edge: Envoy;
let ports: ServerPorts[];
let clients: readonly ApiClient[];
const servers: ForkedProgram[] = [];
let worker: ForkedProgram;

before(async () => {
  if (skip) return;
  released = await unpackReleased();
  database = await emptyDatabase();
  db = ownerPool(database);
  redis = await startOwnRedis();
  await released.migrate(migrateOptions());
  const key = await released.seed(database, [...OTHERS, ...PAYERS, HOLDER, ...SPRINKLERS], ROOM);
  ports = [await freePorts(), await freePorts()];
  for (const index of ports.keys()) await startServer(index, 'released');
  await startWorker('released');
  edge = await startTestEdge(
    join(folder, 'edge'),
    ports.map(({ grpcPort }) => grpcPort),
    // Where the machine is busy, a server that is well may take a second for a health check.
    { render: (settings) => renderEdge(settings).replace('- timeout: 1s', '- timeout: 20s') },
  );
  clients = [grpcClient(edge.grpcAddress, key), restClient(edge.restUrl, key)];
  await untilHealthy();
  await peopleOf(database, clients[0]).fund([...PAYERS, ...OTHERS, HOLDER, SPRINKLERS[0]], START);
});
after(async () => {
  if (skip) return;
  for (const client of clients ?? []) client.close();
  await edge?.stop();
  await Promise.all([...servers, worker].map((program) => program?.kill()));
  await redis?.stop();
  await db?.end();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

/** One that nobody has migrated yet. */
async function emptyDatabase(): Promise<TestDatabase> {
  const name = `upgrade_${crypto.randomUUID().replaceAll('-', '')}`;
  const admin = async (sql: string) => {
    const client = new pg.Client({ connectionString: given('TEST_OWNER_URL') });
    await client.connect();
    await client.query(sql).finally(() => client.end());
  };
  await admin(`CREATE DATABASE ${name}`);
  const urlOf = (login?: { username: string; password: string }) =>
    Object.assign(new URL(given('TEST_OWNER_URL')), { pathname: `/${name}`, ...login }).href;
  return {
    ownerUrl: urlOf(),
    appUrl: urlOf({ username: 'ppuri_app', password: given('TEST_APP_PASSWORD') }),
    workerUrl: urlOf({ username: 'ppuri_worker', password: given('TEST_WORKER_PASSWORD') }),
    adminUrl: urlOf({ username: 'ppuri_admin', password: given('TEST_ADMIN_PASSWORD') }),
    drop: () => admin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

const migrateOptions = () => ({
  ownerUrl: database.ownerUrl,
  appPassword: given('TEST_APP_PASSWORD'),
  workerPassword: given('TEST_WORKER_PASSWORD'),
  adminPassword: given('TEST_ADMIN_PASSWORD'),
});

const programsOf = (version: Version) => (version === 'released' ? released : CURRENT);

const envOf = (name: string) => ({
  ...serverEnv(database, join(folder, name)),
  REDIS_URL: redis.url,
  // As in production: the edge learns that a server stops before it takes no more calls.
  STOP_DRAIN_MS: '2000',
  // Longer than all steps take on a busy machine.
  SPRINKLE_LIFETIME_MS: '3600000',
});

async function startServer(index: number, version: Version): Promise<void> {
  const { grpcPort, opsPort } = ports[index] as ServerPorts;
  servers[index] = await forkProgram(programsOf(version).server, {
    ...envOf(`server-${index}`),
    GRPC_PORT: String(grpcPort),
    OPS_PORT: String(opsPort),
  });
}

async function startWorker(version: Version): Promise<void> {
  worker = await forkProgram(programsOf(version).worker, {
    ...{ DATABASE_URL: database.workerUrl, REDIS_URL: redis.url, OPS_PORT: '0' },
    ...{ LOG_DIR: join(folder, 'worker'), LOG_STDOUT: 'none' },
  });
}

const untilHealthy = () =>
  until(
    'the edge finds both servers',
    async () => {
      const stats = await fetch(`${edge.adminUrl}/stats?filter=cluster.server.membership_healthy`);
      return (await stats.text()).includes(': 2');
    },
    HEALTHY_WITHIN_MS,
  );

const isReady = async () => {
  const answers = await Promise.all(ports.map(({ opsPort }) => fetch(`http://127.0.0.1:${opsPort}/readyz`)));
  return answers.every(({ status }) => status === 200);
};

/** Whether a caller has to try again: the process stopped, or the answer broke off and has no reason. */
function isTransient(answer: Answer | Error): boolean {
  return answer instanceof Error || answer.reason === '' || TRANSIENT.has(answer.status);
}

/** Replaces the programs one by one. */
async function rollTo(version: Version): Promise<void> {
  for (const index of servers.keys()) {
    assert.equal(await servers[index]?.stop(), 0);
    await startServer(index, version);
    await untilHealthy();
  }
  assert.equal(await worker.stop(), 0);
  await startWorker(version);
}

/** Starts all load; `between` waits until there was some of each kind. */
function startLoad() {
  const traffic = startTraffic({ clients, users: PAYERS, ...CALLERS, isTransient });
  const mixed = startMixedLoad({ clients, users: OTHERS, room: ROOM, isTransient });
  const counts = () => [
    traffic.record.answers.length,
    CALLS_A_STEP * mixed.record.payouts.length,
    CALLS_A_STEP * mixed.record.sprinkles.length,
  ];
  return {
    traffic,
    mixed,
    between: () => {
      const before = counts();
      const failed = () => traffic.record.failed.length + mixed.record.failed.length > 0;
      return until(
        'there was load of each kind',
        () => failed() || counts().every((count, index) => count >= (before[index] as number) + CALLS_A_STEP),
      );
    },
    stop: async () => {
      await Promise.all([traffic.stop(), mixed.stop()]);
    },
  };
}

/** Migrates under load; a program of this version refuses to start before, and no running one notices. */
async function migrateToPresent(): Promise<void> {
  const has = await db.query('SELECT name FROM migrations');
  const pending = migrationsIn(MIGRATION_FOLDERS.ledger).length - has.rows.length;
  // Right after a release there is nothing to migrate.
  if (pending > 0) {
    await assert.rejects(createServerProgram(readServerConfig(envOf('too-early'))), {
      name: 'SchemaError',
      message: /npm run migrate/,
    });
  }
  const migrating = migrate(migrateOptions());
  while ((await Promise.race([migrating.then(() => 'done'), isReady()])) !== 'done')
    assert.ok(await isReady(), 'a server noticed the migration');
  await migrating;
}

/**
 * A hold that this version makes: the release, which knows no holds, spends none of it and pays with the rest; later this
 * version captures it.
 */
function createHoldAcross(paid: Map<string, string>) {
  const holder = as(
    HOLDER,
    persistent({ clients, isTransient }, () => {}),
  );
  let hold_id = '';
  return {
    make: async () => {
      const request = { wallet_id: await holder.defaultWallet(), amount: won(HELD), reason: 'an upgrade' };
      const made = await holder.call('wallet.v2.HoldService/CreateHold', request, withKey(HOLDER));
      assert.equal(made.status, 0, made.reason);
      hold_id = String(made.at('hold', 'hold_id'));
    },
    spendTheRest: async () => {
      assert.equal(await holder.balance(), START - HELD);
      const refused = await holder.pay(PAYERS[0] as number, START - HELD + 1);
      assert.equal(refused.reason, 'BALANCE_TOO_LOW');
      const key = crypto.randomUUID();
      const rest = await holder.pay(OTHERS[0] as number, START - HELD, key);
      assert.equal(rest.status, 0, rest.reason);
      paid.set(key, String(rest.body.transaction_id));
    },
    capture: async () => {
      const request = { hold_id, credit_user_id: String(OTHERS[1]), final: true };
      const captured = await holder.call('wallet.v2.HoldService/CaptureHold', request, withKey(HOLDER));
      assert.equal(captured.status, 0, captured.reason);
      assert.equal(await holder.balance(), 0);
    },
  };
}

test('migrating, and rolling to this version, back and forth again, loses and doubles nothing', {
  skip,
  timeout: LONGEST_MS,
}, async () => {
  const startedAt = new Date();
  // No worker does what it does not know, and none stumbles over it.
  await db.query(`INSERT INTO outbox (job, data, run_at) VALUES ('of-a-later-release', '{}', now())`);
  const load = startLoad();
  const hold = createHoldAcross(load.mixed.record.paid);
  const sprinkles = createSprinklesAcross({
    client: persistent({ clients, isTransient }, () => {}),
    users: SPRINKLERS,
    roomId: ROOM,
  });
  const steps: Readonly<Record<string, () => Promise<void>>> = {
    migrated: migrateToPresent,
    upgraded: () => rollTo('present').then(hold.make).then(sprinkles.makeAndClaim),
    'rolled back': () => rollTo('released').then(hold.spendTheRest).then(sprinkles.claimByRelease),
    'upgraded again': () => rollTo('present').then(hold.capture).then(sprinkles.end),
  };
  try {
    await load.between();
    await sprinkles.makeByRelease();
    for (const [name, step] of Object.entries(steps)) {
      const [since, before] = [performance.now(), load.traffic.record.answers.length];
      await step();
      await load.between();
      const calls = load.traffic.record.answers.length - before;
      console.log(
        `${name} within ${((performance.now() - since) / 1000).toFixed(1)} s, beside ${calls} calls`,
      );
    }
  } finally {
    await load.stop();
  }
  const [{ record }, { record: mixed }] = [load.traffic, load.mixed];
  const retried = [...record.retried, ...mixed.retried];
  console.log(
    `${record.answers.length} calls, ${record.paid.size + mixed.paid.size} payments, ${mixed.sprinkles.length} sprinkles, ` +
      `${mixed.payouts.length} payouts; made again: ${retried.length} ${[...new Set(retried)].join(', ')}`,
  );
  await assertNothingLost(db, PAYERS, startedAt, {
    ...record,
    paid: new Map([...record.paid, ...mixed.paid]),
    failed: [...record.failed, ...mixed.failed],
  });
  for (const { amount, claimed } of mixed.sprinkles) assert.equal(claimed, amount);
  for (const { lines, paid } of mixed.payouts) assert.equal(paid, lines);
  const counts = `SELECT (SELECT count(*)::int FROM payouts WHERE state = 'done') AS payouts,
    (SELECT count(*)::int FROM sprinkles) AS sprinkles, (SELECT count(*)::int FROM sprinkle_claims) AS claims,
    (SELECT count(*)::int FROM dead_letters) AS dead_letters`;
  const count = mixed.sprinkles.length;
  assert.deepEqual((await db.query(counts)).rows, [
    {
      payouts: mixed.payouts.length,
      sprinkles: count + ACROSS.sprinkles,
      claims: 3 * count + ACROSS.claims,
      dead_letters: 0,
    },
  ]);
  // Other rows may be left whose work is done: a worker that stopped in between did not delete them, and the queue finds out.
  const left = await db.query(`SELECT relayed_at FROM outbox WHERE job = 'of-a-later-release'`);
  assert.deepEqual(left.rows, [{ relayed_at: null }]);
  await assertBooksBalance(db);
  const pool = createTestPool(database.workerUrl);
  const { faults } = await reconcile(pool).finally(() => pool.end());
  assert.deepEqual(faults, []);
});
