// Postgres dies and comes back, hangs on a lock, has no connections left: refused early, and nothing lost or shown wrongly.
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type OwnPostgres, startOwnPostgres } from '../db/own-postgres.ts';
import { withoutRedis as skip } from '../redis/own-redis.ts';
import { given, makeDatabase } from '../stack.ts';
import { type Fault, type FaultHarness, startFaultHarness } from './fault-harness.ts';

let postgres: OwnPostgres;
/** Whose servers use the Postgres that may break; for all tests of it. */
let breakable: Promise<FaultHarness> | undefined;

before(async () => {
  if (!skip) postgres = await startOwnPostgres();
});
after(async () => {
  await (await breakable?.catch(() => undefined))?.stop();
  await postgres?.stop();
});

async function withFault(name: string, fault: Fault): Promise<void> {
  const database = { ...postgres, drop: async () => {} };
  breakable ??= startFaultHarness(database, given('TEST_REDIS_URL'));
  await (await breakable).underTraffic(name, fault);
}

test('Postgres is killed and started again', { skip }, () =>
  withFault('Postgres is killed', async () => {
    await postgres.kill();
    await sleep(1_000);
    await postgres.restart();
  }),
);

test('every connection of the reads and of the ledger is stuck behind a lock', { skip }, async () => {
  const database = await makeDatabase();
  // Few connections, and little patience: both run out.
  const env = { READ_CONNECTIONS: '2', STATEMENT_TIMEOUT_MS: '1000' };
  const servers = await startFaultHarness(database, given('TEST_REDIS_URL'), env);
  try {
    await servers.underTraffic('connections are stuck', async ({ db }) => {
      const client = await db.connect();
      await client.query('BEGIN; LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE');
      await sleep(3_000);
      await client.query('ROLLBACK');
      client.release();
    });
  } finally {
    await servers.stop();
    await database.drop();
  }
});

test('Postgres has no connections left for anybody new', { skip }, () =>
  withFault('connections are exhausted', async ({ db }) => {
    // Those that the servers hold are ended, and others take their places before they can come back.
    const clients = Array.from({ length: 250 }, () => new pg.Client({ connectionString: postgres.appUrl }));
    for (const client of clients) client.on('error', () => {});
    await db.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ppuri_app'`);
    await Promise.allSettled(clients.map((client) => client.connect()));
    await sleep(2_000);
    await Promise.allSettled(clients.map((client) => client.end()));
  }),
);
