// Commits that wait for a synchronous standby which is away: callers are told, and few sessions hang in any pool.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import pg from 'pg';
import { createPeople } from '../../src/db/people/index.ts';
import { isUnreachable, LEDGER_SETTINGS, type Pool } from '../../src/db/pool.ts';
import { ANSWER_LATE_MS } from '../../src/db/timeouts.ts';
import { systemCall } from '../../src/domain/batch/command.ts';
import type { Random } from '../../src/domain/random.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { connectionsFor } from '../../src/ledger/index.ts';
import { cryptoRandom } from '../../src/runtime/crypto-random.ts';
import { deposit } from '../../src/usecases/commands/deposit.ts';
import { type OwnPostgres, startOwnPostgres } from '../db/own-postgres.ts';
import { readPage } from '../runtime/ops-client.ts';
import { peopleOf, startStack } from '../stack.ts';
import { createTestLedger, krw, walletOf } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';
import { until } from '../until.ts';

const USERS = Array.from({ length: 12 }, (_, index) => 8801 + index);
const [FIRST = 0] = USERS;
const LANES = 2;
const STATEMENT_TIMEOUT_MS = 1_000;
let postgres: OwnPostgres;
let owner: pg.Client;
/** Resolves when the commit that showed that a standby is waited for has ended. */
let probed: Promise<unknown> = Promise.resolve();

before(async () => {
  postgres = await startOwnPostgres();
  await peopleOf({ ...postgres, drop: async () => {} }).addUsers(USERS);
  owner = new pg.Client({ connectionString: postgres.ownerUrl });
  await owner.connect();
  await owner.query('SELECT ensure_transfer_partitions(1)');
});
after(async () => {
  await owner?.end();
  await postgres?.stop();
});

const WRITE = `SELECT pg_logical_emit_message(true, 'test', '')`;
/** Resolves when a standby of this name is waited for, which a commit right after the change may not know yet; '' for none. */
async function setStandby(name: string): Promise<void> {
  await owner.query(`ALTER SYSTEM SET synchronous_standby_names = '${name}'`);
  await owner.query('SELECT pg_reload_conf()');
  if (!name) return void (await probed);
  const probe = new pg.Client({ connectionString: postgres.ownerUrl, application_name: 'probe' });
  await probe.connect();
  let hung = probe.query(WRITE);
  await until('a commit hangs', async () => {
    if (await Promise.race([hung.then(() => true), sleep(100, false)])) hung = probe.query(WRITE);
    return (await hanging('probe')) > 0;
  });
  probed = hung.finally(() => probe.end());
}
const hanging = async (name = 'ppuri') => {
  const { rowCount } = await owner.query(
    `SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = $1`,
    [name],
  );
  return rowCount ?? 0;
};
/** The most sessions that hung at once, in this time. */
async function mostHanging(withinMs: number, name?: string): Promise<number> {
  let most = 0;
  for (const end = performance.now() + withinMs; performance.now() < end; await sleep(100))
    most = Math.max(most, await hanging(name));
  return most;
}
const isUnavailable = (error: unknown) => error instanceof Refusal && error.reason === 'UNAVAILABLE';
/** Long enough for three sessions in a row to be given up. */
const THREE_TIMES_MS = 3 * (STATEMENT_TIMEOUT_MS + ANSWER_LATE_MS);

/** A ledger over connections of its own, and a deposit in it that may be tried again under the same key. */
function openLedger(random?: Random) {
  const pool = createTestPool(postgres.appUrl, {
    maxConnections: connectionsFor({ lanes: LANES }),
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    settings: LEDGER_SETTINGS,
  });
  const ledger = createTestLedger(pool, { lanes: LANES }, random && { random });
  const put = (user: number) => {
    const intent = { userId: BigInt(user), wallet: walletOf(user), money: krw(1), memo: '' };
    const key = { userId: BigInt(user), key: 'once', fingerprint: 'f0' };
    return ledger.execute(deposit, intent, key, systemCall('test'));
  };
  const close = async () => {
    await setStandby('');
    await ledger[Symbol.asyncDispose]();
    await pool.end();
  };
  return { put, close };
}

test('while the standby is away no more sessions hang than the ledger has connections, and nothing is posted twice', async () => {
  const { put, close } = openLedger();
  await setStandby('nobody');
  try {
    const givenUp = Promise.allSettled(USERS.slice(0, 1).map(put));
    await until('a commit hangs', async () => (await hanging()) > 0, 20_000);
    // Calls that come now commit in the other lane, and when that hangs, in none: somebody always comes.
    const later = USERS.slice(1).map((user, index) =>
      sleep(500 * index).then(() => put(user).catch((error: unknown) => error)),
    );
    const most = await mostHanging(THREE_TIMES_MS);
    assert.ok(most <= connectionsFor({ lanes: LANES }), `${most} sessions hang`);
    for (const result of await givenUp)
      assert.ok(result.status === 'rejected' && isUnavailable(result.reason), 'told while it still hangs');
    await setStandby('');
    for (const result of await Promise.all(later))
      assert.ok(!(result instanceof Error) || isUnavailable(result));
    // Tried again under the same keys, all of it is done once; a commit that still hangs says UNAVAILABLE.
    const isPut = (user: number) =>
      put(user).then(
        () => true,
        (error: unknown) => {
          if (!isUnavailable(error)) throw error;
          return false;
        },
      );
    for (const user of USERS) await until('it is put', () => isPut(user));
    const { rows } = await owner.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM transfers WHERE kind = 'deposit'`,
    );
    assert.equal(rows[0]?.count, USERS.length);
  } finally {
    await close();
  }
});

test('to ask which rows a commit that hangs has locked hangs no session', async () => {
  // All calls need the same external account, so all but the first are deferred, and their row is asked for again and again.
  const { put, close } = openLedger({ ...cryptoRandom, below: () => 0 });
  await setStandby('nobody');
  try {
    const first = put(FIRST).catch((error: unknown) => error);
    await until('a commit hangs', async () => (await hanging()) > 0, 20_000);
    const later = USERS.slice(1).map((user) => put(user).catch((error: unknown) => error));
    assert.equal(await mostHanging(STATEMENT_TIMEOUT_MS), 1);
    await setStandby('');
    for (const result of await Promise.all([first, ...later]))
      assert.ok(!(result instanceof Error) || isUnavailable(result), String(result));
  } finally {
    await close();
  }
});

test('a pool opens no session while one that it gave up still commits, and goes on once it has ended', async () => {
  const most = { maxConnections: LANES, statementTimeoutMs: STATEMENT_TIMEOUT_MS };
  const [guarded, unguarded] = [createTestPool(postgres.appUrl, most), createTestPool(postgres.appUrl, most)];
  Object.assign(guarded.options, { application_name: 'guarded' });
  Object.assign(unguarded.options, { application_name: 'unguarded', commits: undefined });
  await using people = createPeople({ url: postgres.appUrl, ...most });
  const write = (pool: Pool) => pool.query(WRITE);
  let user = 20_000;
  const writers = [
    () => write(guarded),
    () => write(unguarded),
    () => people.users.create(BigInt(++user), 'New'),
  ];
  let isOver = false;
  const again = async (one: () => Promise<unknown>) => {
    while (!isOver) await Promise.allSettled([one(), sleep(50)]);
  };
  await setStandby('nobody');
  // Each has more writers than it has connections.
  const writing = writers.flatMap((one) => Array.from({ length: LANES + 1 }, () => again(one)));
  try {
    const hung = await Promise.all(
      ['guarded', 'ppuri', 'unguarded'].map((name) => mostHanging(THREE_TIMES_MS, name)),
    );
    const [ofPool = 0, ofPeople = 0, ofControl = 0] = hung;
    assert.ok(Math.max(ofPool, ofPeople) <= LANES, `${hung} sessions hang`);
    assert.ok(ofControl > LANES, `negative control: ${ofControl} sessions hang`);
    await assert.rejects(write(guarded), /a commit that was given up has not ended/);
    await setStandby('');
    const isWritten = () => write(guarded).then(Boolean, () => false);
    await until('it writes again', isWritten);
  } finally {
    isOver = true;
    await setStandby('');
    await Promise.all(writing);
    await guarded.end();
    await unguarded.end();
  }
});

test('a server that meets such a commit says so and serves nothing, until the standby is back', async () => {
  const env = { STATEMENT_TIMEOUT_MS: String(STATEMENT_TIMEOUT_MS) };
  const stack = await startStack({ database: { ...postgres, drop: async () => {} }, env });
  const readiness = () => readPage(`http://127.0.0.1:${stack.app.opsPort}`, '/readyz');
  const create = async (user: number) => {
    const request = { user_id: String(user), display_name: 'New' };
    return (await stack.grpc.call('wallet.v2.UserService/CreateUser', request, { userId: '0' })).status;
  };
  try {
    assert.equal(await create(9101), 0);
    await setStandby('nobody');
    assert.equal(await create(9102), status.UNAVAILABLE);
    const saysWhy = async () => {
      const { status, body } = await readiness();
      return status === 503 && /a commit that was given up has not ended/.test(JSON.stringify(body));
    };
    await until('readiness says why', saysWhy);
    // Long after the last call that failed, too.
    for (const end = Date.now() + 7_000; Date.now() < end; await sleep(200))
      assert.ok(await saysWhy(), 'readiness changes its mind');
    await setStandby('');
    await until('ready', async () => (await readiness()).status === 200);
    await until('a user is made', async () => (await create(9103)) === 0);
  } finally {
    await setStandby('');
    await stack.stop();
  }
});

test('a session that is at work after its timeout counts as one that commits', async () => {
  const pool = createTestPool(postgres.appUrl, {
    maxConnections: 1,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  const client = await pool.connect();
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const pid = rows[0]?.pid ?? 0;
  let isFrozen = true;
  try {
    // Postgres cannot end it, as it cannot where the disk does not answer.
    const frozen = client.query('SELECT pg_sleep(0.9)');
    await until('it is at work', async () => {
      const { rowCount } = await owner.query(
        `SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active'`,
        [pid],
      );
      return rowCount === 1;
    });
    process.kill(pid, 'SIGSTOP');
    client.release((await frozen.catch((error: unknown) => error)) as Error);
    await assert.rejects(pool.query('SELECT 1'), /a commit that was given up has not ended/);
    process.kill(pid, 'SIGCONT');
    isFrozen = false;
    const answers = () => pool.query('SELECT 1').then(Boolean, () => false);
    await until('a session is opened again', answers);
  } finally {
    if (isFrozen) process.kill(pid, 'SIGCONT');
    await pool.end();
  }
});

test('a COMMIT whose wait for the standby somebody ends is not taken for done', async () => {
  const pool = createTestPool(postgres.appUrl, { settings: LEDGER_SETTINGS });
  await setStandby('nobody');
  try {
    const refused = assert.rejects(pool.query(WRITE), isUnreachable);
    await until('a commit hangs', async () => (await hanging()) > 0);
    await owner.query(
      `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'ppuri'`,
    );
    await refused;
  } finally {
    await setStandby('');
    await pool.end();
  }
});
