// Servers and the worker are killed in the middle of the TypeScript client's calls, again and again: each call has its answer,
// and happened once. PPURI_KILLS=200 npm run test:ops -- test/ops/clients/typescript-kills.test.ts kills more often.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import type pg from 'pg';
import { installPackage } from '../../clients/installed-package.ts';
import { startTestEdge } from '../../edge.ts';
import { makeKey } from '../../keys.ts';
import { startWorkerProcess, workerEnv } from '../../processes.ts';
import { startOwnRedis, withoutRedis } from '../../redis/own-redis.ts';
import { startReplaceableServer } from '../../replaceable-server.ts';
import { withoutEdge } from '../../skip.ts';
import { assertBooksBalance, makeDatabase, ownerPool, peopleOf, serverEnv } from '../../stack.ts';
import { fundDirectly } from '../../test-ledger.ts';
import { until } from '../../until.ts';

const KILLS = Number(process.env.PPURI_KILLS ?? 6);
/** After each so many servers the worker is killed, too. */
const WORKER_TURN = 5;
const USERS = [7701, 7702, 7703, 7704, 7705, 7706];
const ROOM = 'kills';
const START = 10_000_000;
/** Between two kills so many more payments are answered at least: the servers work in between. */
const CALM_PAYMENTS = 20;

/** What the callers print. */
interface Printed {
  readonly begun: string[];
  readonly paid: { readonly paid: string; readonly id: string; readonly amount: number }[];
  readonly sprinkled: { readonly claimed: readonly number[] }[];
  readonly paidOut: { readonly paidOut: string; readonly state: string; readonly paid: number }[];
  readonly retried: string[];
  readonly failed: string[];
}

/** A server, an edge in front of it, and a worker. */
async function startProduct(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-kills-'));
  const database = await makeDatabase();
  const redis = await startOwnRedis();
  const key = await makeKey(database);
  assert.ok(key.kind === 'hmac-sha256');
  const people = peopleOf(database);
  await people.addUsers(USERS);
  await people.addRoom(ROOM, USERS);
  await fundDirectly(database, USERS, START);
  const server = await startReplaceableServer({ ...serverEnv(database, folder), REDIS_URL: redis.url });
  const startWorker = () => startWorkerProcess(workerEnv(database, redis.url));
  let worker = await startWorker();
  const edge = await startTestEdge(folder, [server.port]);
  const db = ownerPool(database);
  t.after(async () => {
    await edge.stop();
    await Promise.all([server.stop(), worker.stop()]);
    await redis.stop();
    await db.end();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    db,
    env: {
      ADDRESSES: `127.0.0.1:${server.port},${edge.restUrl}`,
      KEY_ID: key.keyId,
      SECRET: Buffer.from(key.secret).toString(),
      USERS: USERS.join(),
      ROOM,
    },
    killServer: server.kill,
    replaceWorker: async () => {
      await worker.kill();
      worker = await startWorker();
    },
  };
}

/** Starts the callers in a project of their own; they print into the record. */
async function startCallers(t: TestContext, env: NodeJS.ProcessEnv): Promise<[ChildProcess, Printed]> {
  const project = await installPackage();
  copyFileSync(join(import.meta.dirname, 'typescript', 'callers.mjs'), join(project.folder, 'callers.mjs'));
  const child = spawn(process.execPath, ['--no-strip-types', 'callers.mjs'], {
    cwd: project.folder,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => {
    child.kill('SIGKILL');
    project.remove();
  });
  const printed: Printed = { begun: [], paid: [], sprinkled: [], paidOut: [], retried: [], failed: [] };
  const take = (line: string) => {
    const event = JSON.parse(line) as Record<string, unknown>;
    const [name = ''] = Object.keys(event);
    const isText = ['begun', 'retried', 'failed'].includes(name);
    (printed[name as keyof Printed] as unknown[]).push(isText ? event[name] : event);
  };
  createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> }).on('line', take);
  return [child, printed];
}

/** Holds what the callers were answered against the tables. */
async function assertOnce(db: pg.Pool, { begun, paid, sprinkled, paidOut }: Printed): Promise<void> {
  const rowsOf = async (sql: string) => (await db.query(sql)).rows;
  const posted = await rowsOf(
    `SELECT memo, id, amount::int AS amount FROM transfers WHERE kind = 'transfer' ORDER BY memo`,
  );
  const answered = paid.map(({ paid: memo, id, amount }) => ({ memo, id, amount }));
  const byMemo = (a: { memo: string }, b: { memo: string }) => (a.memo < b.memo ? -1 : 1);
  assert.deepEqual(
    posted.toSorted(byMemo),
    answered.toSorted(byMemo),
    'each payment once, as it was answered',
  );
  assert.equal(begun.length, paid.length, 'no payment without an answer');
  const sum = (shares: readonly number[]) => shares.reduce((total, share) => total + share, 0);
  for (const { claimed } of sprinkled) assert.equal(sum(claimed), 300);
  const [claims] = await rowsOf(
    'SELECT count(*)::int AS count, sum(amount)::int AS sum FROM sprinkle_claims',
  );
  assert.deepEqual(claims, { count: 3 * sprinkled.length, sum: 300 * sprinkled.length });
  for (const { state, paid: lines } of paidOut) assert.deepEqual([state, lines], ['PAYOUT_STATE_DONE', 10]);
  const [lines] = await rowsOf(
    `SELECT count(*)::int AS count, count(DISTINCT memo)::int AS lines FROM transfers WHERE kind = 'payout_line'`,
  );
  assert.deepEqual(lines, { count: 10 * paidOut.length, lines: 10 * paidOut.length });
  await assertBooksBalance(db);
}

test(`${KILLS} times kill -9 in mid-call: nothing is paid twice, nothing is lost`, {
  skip: withoutEdge || withoutRedis,
  // A kill takes two seconds, and on a busy machine as many as ten.
  timeout: 60_000 + KILLS * 30_000,
}, async (t) => {
  const product = await startProduct(t);
  const [callers, printed] = await startCallers(t, product.env);
  const ended = once(callers, 'exit');
  const broken = () => printed.retried.length + printed.failed.length;
  for (let kill = 1; kill <= KILLS; kill++) {
    const before = printed.paid.length;
    await until('payments are made', () => printed.paid.length >= before + CALM_PAYMENTS);
    const brokenBefore = broken();
    await product.killServer();
    await until('a call of the killed server is cut off', () => broken() > brokenBefore);
    if (kill % WORKER_TURN === 0) await product.replaceWorker();
  }
  callers.stdin?.end();
  assert.deepEqual(await ended, [0, null]);
  await assertOnce(product.db, printed);
  const { paid, sprinkled, paidOut, retried, failed } = printed;
  assert.ok(paidOut.length > 0 && sprinkled.length > 0);
  console.log(
    `${KILLS} kills; ${paid.length} payments, ${3 * sprinkled.length} claims, ` +
      `${paidOut.length} payouts; ${retried.length} attempts repeated, ${failed.length} calls made again by their caller`,
  );
});
