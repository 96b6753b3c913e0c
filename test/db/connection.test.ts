// A connection is given up when its node has not been checked in time, and those to one host and port share what they know of its nodes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Connection, connectionConfig } from '../../src/db/connection.ts';
import { guardsByHost, type NodeGuard } from '../../src/db/node-guard.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { makeDatabase, type TestDatabase } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';

const A_DAY_MS = 86_400_000;
let database: TestDatabase;
before(async () => {
  database = await makeDatabase();
});
after(() => database.drop());

test('the limit of connecting holds for the check of the node, too, however long a query may take', {
  timeout: 30_000,
}, async () => {
  const hangs: NodeGuard = {
    admit: async (connection) => void (await connection.query('SELECT pg_sleep(3600)')),
    timeline: () => 0,
  };
  const connection = new Connection(
    connectionConfig({
      ...{ url: database.ownerUrl, guard: hangs },
      ...{ connectWithinMs: 2_000, answerWithinMs: 3_600_000 },
    }),
  );
  await assert.rejects(connection.connect(), /it was not open within 2000 ms/);
});

test('what is asked right after a response that did not come gets no connection that was closed for it', async () => {
  const pool = createTestPool(database.ownerUrl, { maxConnections: 3, giveUpMs: 2_000 });
  try {
    const hangs = await pool.connect();
    await Promise.all([pool.query('SELECT pg_sleep(0.1)'), pool.query('SELECT pg_sleep(0.1)')]);
    assert.equal(pool.idleCount, 2);
    const lost = await hangs.query('SELECT pg_sleep(30)').catch((error: Error) => error);
    assert.match(String(lost), /Query read timeout/);
    hangs.release(lost as Error);
    const { rowCount } = await pool.query('SELECT 1');
    assert.equal(rowCount, 1);
  } finally {
    await pool.end();
  }
});

test('work in a transaction that got no response gives its connection back with that reason', async () => {
  const pool = createTestPool(database.ownerUrl, { maxConnections: 3, giveUpMs: 2_000 });
  try {
    const reasons: unknown[] = [];
    pool.on('release', (error) => reasons.push(error?.message));
    const work = inTransaction(pool, (client) => client.query('SELECT pg_sleep(30)'));
    await assert.rejects(work, /Query read timeout/);
    // By this one the pool closes its idle connections, too.
    assert.deepEqual(reasons, ['Query read timeout']);
  } finally {
    await pool.end();
  }
});

test('a connection stays open while nothing is asked', async (context) => {
  const pool = createTestPool(database.ownerUrl);
  try {
    const client = await pool.connect();
    context.mock.timers.enable({ apis: ['setTimeout'] });
    client.release();
    context.mock.timers.tick(A_DAY_MS);
    context.mock.timers.reset();
    const next = await pool.connect();
    next.release();
    assert.equal(next, client);
  } finally {
    await pool.end();
  }
});

test('only a connection that is closed while a response is awaited leaves a session that is asked for', async () => {
  const noted: number[] = [];
  const commits = { add: (pid: number) => noted.push(pid), check: () => {}, admit: async () => {} };
  const open = async () => {
    const guard: NodeGuard = { admit: async () => {}, timeline: () => 0 };
    const config = connectionConfig({ ...{ url: database.ownerUrl, guard, commits }, answerWithinMs: 500 });
    const connection = new Connection(config);
    await connection.connect();
    const { rows } = await connection.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const ended = new Promise((resolve) => connection.once('end', resolve));
    return { connection, pid: rows[0]?.pid, ended };
  };
  const idle = await open();
  await idle.connection.end();
  const busy = await open();
  await assert.rejects(busy.connection.query('SELECT pg_sleep(2)'), /Query read timeout/);
  await busy.ended;
  const closed = await open();
  const asleep = assert.rejects(closed.connection.query('SELECT pg_sleep(2)'));
  closed.connection.destroy('a failover');
  await Promise.all([asleep, closed.ended]);
  assert.deepEqual(noted, [busy.pid, closed.pid]);
});

test('databases behind one host and port share a guard, and those behind two sockets or ports do not', () => {
  const guardOf = guardsByHost(() => {});
  const same = [
    ['postgres://app:a@db.internal/ppuri', 'postgres://worker:b@db.internal:5432/archive'],
    ['postgres:///ppuri?host=/run/a', 'postgres:///archive?host=/run/a&port=5432'],
    ['postgres://%2Frun%2Fb/ppuri', 'postgres:///archive?host=/run/b'],
  ] as const;
  for (const [one, other] of same) assert.equal(guardOf(one), guardOf(other), `${one} and ${other}`);
  const others = [
    'postgres:///ppuri?host=/run/a',
    'postgres:///ppuri?host=/run/b',
    'postgres:///ppuri?host=/run/a&port=5433',
    'postgres://db.internal/ppuri',
    'postgres://db.internal:5433/ppuri',
  ];
  assert.equal(new Set(others.map(guardOf)).size, others.length);
});
