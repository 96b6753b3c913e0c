// Months of transfers come and go beside a long reader, and nobody waits for them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { releaseMonth } from '../../src/db/archive/move.ts';
import { ensurePartitions, monthsWithPartition } from '../../src/db/jobs/upkeep.ts';
import type { Pool } from '../../src/db/pool.ts';
import { given, makeDatabase, ownerPool, type TestDatabase } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';
import { monthsAgo } from '../worker/archive-database.ts';
import { type LongReader, openLongReader, type SteadyUse, startSteadyUse } from './steady-use.ts';

/** What would hold others up here is a lock for as long as the reader stays, however many rows there are. */
const ROWS = 20_000;
/** For a call that has to wait for a moment on a busy machine. */
const LONGEST_GAP_MS = 5_000;
/** So long it is waited for what must not take long at all. */
const PATIENCE_MS = 20_000;
const MONTHS_AHEAD = 12;

let database: TestDatabase;
let db: pg.Pool;
let worker: Pool;
let use: SteadyUse;
let reader: LongReader | undefined;
before(async () => {
  database = await makeDatabase();
  db = ownerPool(database);
  worker = createTestPool(database.workerUrl, { statementTimeoutMs: 60_000 });
  use = await startSteadyUse(database.ownerUrl, ROWS);
});
after(async () => {
  await reader?.end();
  await use.stop();
  await Promise.all([worker.end(), db.end()]);
  await database.drop();
});

const partitionsOf = async () =>
  (
    await db.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'transfers'::regclass ORDER BY 1`,
    )
  ).rows.map(({ name }) => name);

/** Whether something ends in time. */
const endsSoon = async (work: Promise<unknown>) => {
  const waiting = Promise.withResolvers<boolean>();
  const timer = setTimeout(waiting.resolve, PATIENCE_MS, false);
  const result = await Promise.race([work.then(() => true), waiting.promise]);
  clearTimeout(timer);
  return result;
};

test('partitions are made beside a long reader, and payments and reads go on', async () => {
  assert.equal((await partitionsOf()).length, 2);
  reader = await openLongReader(database.ownerUrl);
  use.measure();
  const making = ensurePartitions(worker, MONTHS_AHEAD);
  making.catch(() => {});
  const isMade = await endsSoon(making);
  const { payment, read } = await use.longestGapsMs();
  await reader.end();
  await making;
  assert.ok(isMade, `they waited for the reader; meanwhile nobody paid for ${payment} ms`);
  assert.ok(
    Math.max(payment, read) < LONGEST_GAP_MS,
    `nobody paid for ${payment} ms, nobody read for ${read} ms`,
  );
  assert.equal((await partitionsOf()).length, MONTHS_AHEAD + 1);
  assert.equal(await monthsWithPartition(worker), MONTHS_AHEAD + 1);
});

test('a partition that was made apart is like one that Postgres makes itself', async () => {
  await db.query(`CREATE TABLE transfers_2999_01 PARTITION OF transfers FOR VALUES FROM ('2999-01-01Z') TO ('2999-02-01Z');
    ALTER TABLE transfers_2999_01 OWNER TO ${given('TEST_PLAIN_OWNER')};
    CREATE TRIGGER transfers_2999_01_is_not_truncated BEFORE TRUNCATE ON transfers_2999_01
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`);
  const made = (await partitionsOf()).at(-2) ?? '';
  const linesOf = async (name: string) => {
    const { rows } = await db.query<{ line: string }>(
      `SELECT format('column %s %s %s %s', attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)) AS line
         FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = $1::regclass AND attnum > 0
       UNION ALL SELECT format('constraint %s %s', pg_get_constraintdef(oid), convalidated) FROM pg_constraint
         WHERE conrelid = $1::regclass
       UNION ALL SELECT format('index %s of %s', pg_get_indexdef(indexrelid), inhparent::regclass) FROM pg_index
         LEFT JOIN pg_inherits ON inhrelid = indexrelid WHERE indrelid = $1::regclass AND indisvalid
       UNION ALL SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = $1::regclass
       UNION ALL SELECT format('rights %s, options %s, owner %s', relacl, reloptions, relowner::regrole) FROM pg_class
         WHERE oid = $1::regclass ORDER BY 1`,
      [name],
    );
    return rows.map(({ line }) => line.replaceAll(name, 'its_name'));
  };
  assert.deepEqual(await linesOf(made), await linesOf('transfers_2999_01'));
  for (const sql of [`TRUNCATE ${made}`, 'UPDATE transfers SET memo = memo', 'DELETE FROM transfers'])
    await assert.rejects(db.query(sql), /never changed or deleted/, sql);
  await db.query('DROP TABLE transfers_2999_01');
});

test('where all partitions exist nothing is locked, and a missing month is noticed', async () => {
  await ensurePartitions(worker, MONTHS_AHEAD);
  // Who holds this lets nobody attach anything.
  const holder = await db.connect();
  try {
    await holder.query('BEGIN; LOCK TABLE transfers IN SHARE UPDATE EXCLUSIVE MODE');
    await ensurePartitions(worker, MONTHS_AHEAD);
    await assert.rejects(ensurePartitions(worker, MONTHS_AHEAD + 1), /lock timeout/);
    await holder.query('ROLLBACK');
  } finally {
    holder.release();
  }
  const [, next = ''] = await partitionsOf();
  await db.query(`DROP TABLE ${next}`);
  assert.equal(await monthsWithPartition(worker), 1);
  await ensurePartitions(worker, MONTHS_AHEAD);
  assert.equal(await monthsWithPartition(worker), MONTHS_AHEAD + 1);
});

test('processes that start at once make each partition once', async () => {
  const fresh = await makeDatabase();
  try {
    const pool = () => createTestPool(fresh.workerUrl, { maxConnections: 1, statementTimeoutMs: 60_000 });
    const pools = Array.from({ length: 8 }, pool);
    // They are connected before, so that they ask at the same moment, and each remembers that there is no partition.
    await Promise.all(pools.map((one) => one.query(`SELECT to_regclass('transfers_2000_01')`)));
    const asked = await Promise.allSettled(pools.map((one) => ensurePartitions(one, MONTHS_AHEAD)));
    assert.equal(await monthsWithPartition(pools[0] as Pool), MONTHS_AHEAD + 1);
    await Promise.all(pools.map((one) => one.end()));
    assert.deepEqual(
      asked.filter(({ status }) => status === 'rejected'),
      [],
    );
  } finally {
    await fresh.drop();
  }
});

test('an archived month is let go beside a long reader: it waits for that, and payments and reads do not', async () => {
  const [from, to] = [monthsAgo(3).toISOString().slice(0, 10), monthsAgo(2).toISOString().slice(0, 10)];
  const name = `transfers_${from.slice(0, 7).replace('-', '_')}`;
  await db.query(`CREATE TABLE ${name} PARTITION OF transfers FOR VALUES FROM ('${from} 00:00Z') TO ('${to} 00:00Z');
    ALTER TABLE ${name} OWNER TO ${given('TEST_PLAIN_OWNER')};
    INSERT INTO reconciliations (through, transfers, faults) VALUES (now(), 0, '[]');
    INSERT INTO verified_months (month, transfers, amount, digest) VALUES ('${from}', 0, 0, '')`);
  reader = await openLongReader(database.ownerUrl);
  use.measure();
  const retried = Promise.withResolvers<void>();
  let retries = 0;
  const month = { from, to };
  const dropping = releaseMonth(worker, month, async () => {
    retries += 1;
    if (retries === 3) retried.resolve();
    return true;
  });
  dropping.catch(() => {});
  assert.ok(
    await endsSoon(Promise.race([retried.promise, dropping])),
    'it does not give up its place in the queue',
  );
  await reader.end();
  await dropping;
  const { payment, read } = await use.longestGapsMs();
  assert.ok(
    Math.max(payment, read) < LONGEST_GAP_MS,
    `nobody paid for ${payment} ms, nobody read for ${read} ms`,
  );
  assert.ok(retries >= 3, 'it never met the reader');
  assert.ok(!(await partitionsOf()).includes(name));
});
