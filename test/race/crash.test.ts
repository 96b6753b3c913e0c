// The server is killed in the middle of its work; retries finish what was cut off, and each call happened once.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type pg from 'pg';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import { grpcClient } from '../api-client.ts';
import { makeKey } from '../keys.ts';
import { startServerProcess } from '../processes.ts';
import { assertBooksBalance, makeDatabase, ownerPool, peopleOf, serverEnv } from '../stack.ts';
import { startTcpProxy } from '../tcp-proxy.ts';
import { fundDirectly } from '../test-ledger.ts';
import { until } from '../until.ts';

const USERS = Array.from({ length: 20 }, (_, index) => 7001 + index);
const START = 1_000_000;
const CALLS = 2000;
/** CRASH_SEEDS=20 npm test -- test/race/crash.test.ts makes twenty runs of it, each with other deaths. */
const SEEDS = Array.from({ length: Number(process.env.CRASH_SEEDS ?? 1) }, (_, index) => index + 1);

/** The server dies after so many answers, and then after so many more: two numbers that follow from the seed. */
function deathsOf(seed: number): readonly number[] {
  const draw = (turn: number) => hash('sha256', `${seed}/${turn}`, 'buffer').readUInt32BE(0);
  return [1, 2].map((turn) => 100 + (draw(turn) % 600));
}

interface Call {
  readonly from: number;
  readonly to: number;
  readonly amount: number;
  readonly key: string;
}

/** What a server of these tests runs on. */
interface Data {
  readonly env: Record<string, string>;
  readonly key: SigningKey;
  readonly db: pg.Pool;
}

const CALLS_TO_MAKE: readonly Call[] = Array.from({ length: CALLS }, (_, index) => ({
  from: USERS[index % USERS.length] ?? 0,
  to: USERS[(index * 7 + 3) % USERS.length] ?? 0,
  amount: 1 + (index % 50),
  key: `crash-${index}`,
})).filter(({ from, to }) => from !== to);

/** What everybody must have in the end. */
function expectedBalances(): Map<number, number> {
  const balances = new Map(USERS.map((user) => [user, START]));
  for (const { from, to, amount } of CALLS_TO_MAKE) {
    balances.set(from, (balances.get(from) ?? 0) - amount);
    balances.set(to, (balances.get(to) ?? 0) + amount);
  }
  return balances;
}

/** A busy machine takes this long to commit one more call at most. */
const LOST_WITHIN_MS = 20_000;

/**
 * Makes all calls, 64 at a time, through server after server, until each has its answer. Before a server is killed its
 * answers stop getting through for a moment, so that there surely are calls that it committed and nobody knows of.
 */
async function makeAllCalls(
  { env, key, db }: Data,
  calls: readonly Call[],
  deathsAfter: readonly number[],
  keyOf: (call: Call, attempt: number) => string,
) {
  const answers = new Map<string, string>();
  let deaths = 0;
  for (let attempt = 0; answers.size < calls.length; attempt++) {
    const server = await startServerProcess(env);
    const proxy = await startTcpProxy(server.grpcPort);
    const client = grpcClient(`127.0.0.1:${proxy.port}`, key);
    const left = calls.filter((call) => !answers.has(call.key));
    const dieAt = answers.size + (deathsAfter[deaths] ?? Number.POSITIVE_INFINITY);
    let dying: Promise<void> | undefined;
    let isDead = false;
    const worker = async () => {
      for (let call = left.shift(); call && !isDead; call = left.shift()) {
        const identity = { userId: String(call.from), idempotencyKey: keyOf(call, attempt) };
        const request = { to_user_id: call.to, amount: call.amount };
        const answer = await client.call('wallet.v1.WalletService/Transfer', request, identity);
        if (answer.status === 0) answers.set(call.key, String(answer.body.transaction_id));
        if (answers.size >= dieAt && !dying) {
          deaths += 1;
          proxy.loseAnswers();
          // Every worker goes on and makes one more call, which is committed and never answered.
          dying = until(
            'a call is committed whose answer is lost',
            async () => (await transferCount(db)) > answers.size,
            LOST_WITHIN_MS,
          ).then(async () => {
            isDead = true;
            await server.kill();
          });
        }
      }
    };
    await Promise.all(Array.from({ length: 64 }, worker));
    await dying;
    client.close();
    proxy.close();
    await server.stop();
  }
  assert.equal(deaths, deathsAfter.length);
  return answers;
}

async function transferCount(db: pg.Pool): Promise<number> {
  const { rows } = await db.query(`SELECT count(*)::int AS count FROM transfers WHERE kind = 'transfer'`);
  return rows[0].count;
}

async function withServerData(work: (data: Data) => Promise<void>): Promise<void> {
  const database = await makeDatabase();
  const logDir = mkdtempSync(join(tmpdir(), 'ppuri-crash-'));
  const env = serverEnv(database, logDir);
  const key = await makeKey(database);
  const db = ownerPool(database);
  await peopleOf(database).addUsers(USERS);
  await fundDirectly(database, USERS, START);
  await work({ env, key, db }).finally(() => db.end());
  await database.drop();
  rmSync(logDir, { recursive: true, force: true });
}

async function balancesIn(db: pg.Pool): Promise<Map<number, number>> {
  const { rows } = await db.query(
    'SELECT owner_user_id::int AS user_id, balance::int AS balance FROM accounts WHERE owner_user_id = ANY ($1) ORDER BY 1',
    [USERS],
  );
  return new Map(rows.map(({ user_id, balance }) => [user_id, balance]));
}

for (const seed of SEEDS) {
  test(`SIGKILL twice in the middle of 2,000 transfers, retried: each is posted exactly once (seed ${seed})`, async () => {
    await withServerData(async (data) => {
      const { db } = data;
      const answers = await makeAllCalls(data, CALLS_TO_MAKE, deathsOf(seed), ({ key }) => key);
      assert.equal(
        new Set(answers.values()).size,
        CALLS_TO_MAKE.length,
        'every call has a transfer of its own',
      );
      assert.equal(await transferCount(db), CALLS_TO_MAKE.length);
      assert.deepEqual(await balancesIn(db), expectedBalances());
      await assertBooksBalance(db);
    });
  });
}

test('negative control: with a new key for every attempt, calls that were cut off are posted twice', async () => {
  await withServerData(async (data) => {
    const { db } = data;
    // One death in a part of the calls shows it.
    const calls = CALLS_TO_MAKE.slice(0, 500);
    await makeAllCalls(data, calls, [200], ({ key }, attempt) => `${key}-${attempt}`);
    assert.ok((await transferCount(db)) > calls.length, 'no call was committed without being answered');
    await assertBooksBalance(db);
  });
});
