// Postgres dies and comes back, hangs on a lock, has no connections left: refused early, and nothing lost or shown wrongly.
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type OwnPostgres, startOwnPostgres } from '../db/own-postgres.ts';
import { withoutRedis as skip } from '../redis/own-redis.ts';
import { given, makeDatabase } from '../stack.ts';
import { underTraffic } from './fault-harness.ts';

let postgres: OwnPostgres;

before(async () => {
  if (!skip) postgres = await startOwnPostgres();
});
after(() => postgres?.stop());

test('Postgres is killed and started again', { skip }, async () => {
  const database = { ...postgres, drop: async () => {} };
  await underTraffic('Postgres is killed', database, given('TEST_REDIS_URL'), async () => {
    await postgres.kill();
    await sleep(1_000);
    await postgres.restart();
  });
});

test('every connection of the reads and of the ledger is stuck behind a lock', { skip }, async () => {
  const database = await makeDatabase();
  const stuck = async ({ db }: { readonly db: pg.Pool }) => {
    const client = await db.connect();
    await client.query('BEGIN; LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE');
    await sleep(3_000);
    await client.query('ROLLBACK');
    client.release();
  };
  // Few connections, and little patience: both run out.
  const env = { READ_CONNECTIONS: '2', STATEMENT_TIMEOUT_MS: '1000' };
  await underTraffic('connections are stuck', database, given('TEST_REDIS_URL'), stuck, env).finally(() =>
    database.drop(),
  );
});

test('Postgres has no connections left for anybody new', { skip }, async () => {
  const database = { ...postgres, drop: async () => {} };
  const exhausted = async ({ db }: { readonly db: pg.Pool }) => {
    // Those that the servers hold are ended, and others take their places before they can come back.
    const clients = Array.from({ length: 250 }, () => new pg.Client({ connectionString: database.appUrl }));
    for (const client of clients) client.on('error', () => {});
    await db.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ppuri_app'`);
    await Promise.allSettled(clients.map((client) => client.connect()));
    await sleep(2_000);
    await Promise.allSettled(clients.map((client) => client.end()));
  };
  await underTraffic('connections are exhausted', database, given('TEST_REDIS_URL'), exhausted);
});
