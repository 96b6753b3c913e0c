// Servers are killed under the Python client's payments, claims and payouts: nothing is paid twice, and nothing is lost.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type pg from 'pg';
import { startTestEdge } from '../../edge.ts';
import { makeKey } from '../../keys.ts';
import { startWorkerProcess, workerEnv } from '../../processes.ts';
import { startOwnRedis, withoutRedis } from '../../redis/own-redis.ts';
import { startReplaceableServer } from '../../replaceable-server.ts';
import { withoutEdge } from '../../skip.ts';
import { assertBooksBalance, makeDatabase, ownerPool, serverEnv } from '../../stack.ts';
import { until } from '../../until.ts';
import { clientPython, type InstalledClient, installPythonClient } from './python-client.ts';
import { killInCall, startScenarioProduct } from './scenario-product.ts';

/** PPURI_KILLS=200 npm run test:ops -- test/ops/clients/python-kills.test.ts kills more. */
const KILLS = Number(process.env.PPURI_KILLS ?? 6);
const PROGRAMS = join(import.meta.dirname, 'python');
/** What has to be done before the next server is killed, so that each has worked. */
const TRANSFERS_BETWEEN_KILLS = 20;

/** A busy machine takes some seconds to start a server. */
const TIMEOUT_MS = 200_000 + KILLS * 10_000;

const skip = clientPython.skip || withoutEdge || withoutRedis;

/** What kills.py prints: how often it did what, and what everybody must have. */
interface Report {
  readonly payments: number;
  readonly transaction_ids: number;
  readonly sprinkles: number;
  readonly claims: number;
  readonly payouts: number;
  readonly lines: number;
  readonly attempts: number;
  readonly unanswered: number;
  readonly given_up?: number;
  readonly failures?: number;
  readonly balances: Readonly<Record<string, number>>;
}

test(`after ${KILLS} kills everything has happened once`, { skip, timeout: TIMEOUT_MS }, async (t) => {
  const client = await installPythonClient();
  t.after(() => client.remove());
  const server = await startMortalServer();
  t.after(() => server.stop());
  const program = startProgram(client, server.env);
  t.after(() => program.child.kill('SIGKILL'));
  await program.isReady;
  for (let kill = 0; kill < KILLS; kill++) {
    const before = await transferCount(server.db);
    await until(
      'calls are made and answered',
      async () => (await transferCount(server.db)) > before + TRANSFERS_BETWEEN_KILLS,
    );
    const { happened } = await killInCall(server, await someUsers(server.db));
    await happened;
  }
  const report = await program.finish();
  t.diagnostic(JSON.stringify({ ...report, balances: undefined, kills: KILLS }));
  assert.equal(report.failures, undefined);
  // Those over REST are not among them: the edge makes them again itself.
  assert.ok(report.unanswered > 0);
  assert.deepEqual(await ledgerOf(server.db), {
    transfer: report.payments,
    sprinkle: report.sprinkles,
    claim: report.claims,
    payout_line: report.lines,
    payout: report.payouts,
  });
  assert.equal(report.transaction_ids, report.payments);
  assert.deepEqual(await balancesIn(server.db), report.balances);
  await assertBooksBalance(server.db);
});

test('negative control: with a new idempotency key for each attempt a payment is made twice', {
  skip,
}, async (t) => {
  const client = await installPythonClient();
  t.after(() => client.remove());
  const product = await startScenarioProduct();
  t.after(() => product.stop());
  const [payer, payee] = await product.addUsers(2);
  await client.run([join(PROGRAMS, 'pays_twice.py')], {
    ...product.env,
    PAYER: `${payer}`,
    PAYEE: `${payee}`,
  });
  assert.equal((await ledgerOf(product.db)).transfer, 2);
});

/** Half of the users, whose accounts are held until a call waits for them. */
async function someUsers(db: pg.Pool): Promise<string[]> {
  const { rows } = await db.query('SELECT id FROM users ORDER BY random() LIMIT 8');
  return rows.map(({ id }) => String(id));
}

async function transferCount(db: pg.Pool): Promise<number> {
  return Number((await db.query('SELECT count(*)::int AS count FROM transfers')).rows[0].count);
}

/** How many transfers of each kind there are, but for those that say nothing: deposits and refunds. */
async function ledgerOf(db: pg.Pool): Promise<Record<string, number>> {
  const { rows } = await db.query(
    `SELECT kind, count(*)::int AS count FROM transfers WHERE kind NOT IN ('deposit', 'refund') GROUP BY kind`,
  );
  return Object.fromEntries(rows.map(({ kind, count }) => [kind, count]));
}

async function balancesIn(db: pg.Pool): Promise<Record<string, number>> {
  const { rows } = await db.query(
    'SELECT owner_user_id AS user, balance FROM accounts WHERE is_default ORDER BY 1',
  );
  return Object.fromEntries(rows.map(({ user, balance }) => [user, Number(balance)]));
}

/** A server that can be killed, with an edge in front of it for REST. */
async function startMortalServer() {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-kills-'));
  const database = await makeDatabase();
  const key = await makeKey(database);
  assert.ok(key.kind === 'hmac-sha256');
  const redis = await startOwnRedis();
  const server = await startReplaceableServer({ ...serverEnv(database, folder), REDIS_URL: redis.url });
  const worker = await startWorkerProcess(workerEnv(database, redis.url));
  const edge = await startTestEdge(folder, [server.port]);
  const db = ownerPool(database);
  return {
    db,
    env: {
      KEY_ID: key.keyId,
      SECRET: Buffer.from(key.secret).toString(),
      PPURI_GRPC: `127.0.0.1:${server.port}`,
      PPURI: edge.restUrl,
    },
    killServer: server.kill,
    stop: async () => {
      await edge.stop();
      await worker.stop();
      await server.stop();
      await redis.stop();
      await db.end();
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts kills.py, which works until it is told to finish. */
function startProgram(client: InstalledClient, env: Record<string, string>) {
  const child: ChildProcess = spawn(clientPython.path, [join(PROGRAMS, 'kills.py')], {
    cwd: client.folder,
    env: { ...process.env, ...client.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  assert.ok(child.stdout && child.stdin);
  const lines: string[] = [];
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  const ended = once(child, 'close');
  return {
    child,
    isReady: until('the program is ready', () => {
      assert.equal(child.exitCode, null, 'kills.py ended before it was ready');
      return lines[0] === 'ready';
    }),
    finish: async (): Promise<Report> => {
      child.stdin?.end();
      await ended;
      return JSON.parse(lines.at(-1) ?? '') as Report;
    },
  };
}
