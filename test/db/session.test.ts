// What statements mean does not depend on how the database is set up: time zone, formats of dates, search path.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { missingPeriods } from '../../src/db/jobs/statistics.ts';
import { createPeople } from '../../src/db/people/index.ts';
import type { Pool } from '../../src/db/pool.ts';
import { makeDatabase, ownerPool, type TestDatabase } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';

let database: TestDatabase;
let worker: Pool;
before(async () => {
  database = await makeDatabase();
  const db = ownerPool(database);
  const name = new URL(database.ownerUrl).pathname.slice(1);
  // New York put its clocks back on 1 November 2020.
  await db.query(`
    CREATE TABLE transfers_2020_10 PARTITION OF transfers FOR VALUES FROM ('2020-10-01Z') TO ('2020-11-01Z');
    INSERT INTO transfers (id, created_at, kind, currency, amount, debit_account_id, credit_account_id,
      debit_balance_after, credit_balance_after)
    VALUES (gen_random_uuid(), '2020-10-30 12:00Z', 'transfer', 'KRW', 1, gen_random_uuid(), gen_random_uuid(), 0, 0)`);
  for (const setting of [
    `timezone = 'America/New_York'`,
    `datestyle = 'SQL, DMY'`,
    `intervalstyle = 'sql_standard'`,
    'search_path = pg_catalog',
    `default_transaction_isolation = 'serializable'`,
  ])
    await db.query(`ALTER DATABASE ${name} SET ${setting}`);
  await db.end();
  worker = createTestPool(database.workerUrl, { maxConnections: 1, statementTimeoutMs: 30_000 });
});
after(async () => {
  await worker.end();
  await database.drop();
});

test("figures' days begin at midnight in UTC, also where clocks are put back", async () => {
  const days = (await missingPeriods(worker, 'day')).slice(0, 4);
  const day = (date: string) => `2020-${date} 00:00:00+00`;
  assert.deepEqual(days, [
    { from: day('10-30'), to: day('10-31') },
    { from: day('10-31'), to: day('11-01') },
    { from: day('11-01'), to: day('11-02') },
    { from: day('11-02'), to: day('11-03') },
  ]);
});

test('the statement itself says its time zone: a session in another one finds the same days', async () => {
  await worker.query(`SET timezone = 'America/New_York'`);
  const days = (await missingPeriods(worker, 'day')).slice(0, 4);
  await worker.query('RESET timezone');
  const moments = days.map(({ from }) =>
    new Date(from.replace(/ (\d\d:\d\d:\d\d)(-\d\d)$/, 'T$1$2:00')).toISOString(),
  );
  assert.deepEqual(
    moments,
    ['10-30', '10-31', '11-01', '11-02'].map((date) => `2020-${date}T00:00:00.000Z`),
  );
});

test('settings of the database do not change those of our sessions', async () => {
  const { rows } =
    await worker.query(`SELECT current_setting('timezone') AS zone, current_setting('datestyle') AS style,
    current_setting('intervalstyle') AS spans, current_setting('search_path') AS path,
    current_setting('default_transaction_isolation') AS isolation, current_setting('tcp_user_timeout') AS resending,
    current_setting('tcp_keepalives_idle') AS probing, current_setting('client_min_messages') AS notices`);
  assert.equal(rows[0].zone, 'UTC');
  assert.match(rows[0].style, /^ISO/);
  assert.deepEqual(
    [rows[0].spans, rows[0].path, rows[0].isolation],
    ['postgres', 'public', 'read committed'],
  );
  // Postgres gives up a client whose machine is gone, and with it what the client has locked.
  assert.deepEqual([rows[0].resending, rows[0].probing, rows[0].notices], ['10000', '5', 'warning']);
  const people = createPeople({ url: database.appUrl, maxConnections: 1 });
  try {
    await people.users.create(1n, 'User 1');
  } finally {
    await people[Symbol.asyncDispose]();
  }
});
