// The seal against what transactions can do: hang, overtake each other, be cut off, and seal at the same time.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { sealFeed, sealLagSeconds } from '../../src/db/feed/index.ts';
import type { Pool } from '../../src/db/pool.ts';
import { makeDatabase, ownerPool, type TestDatabase } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';
import { beginWriting, insertTransfer, insertTransfers, sealedIds } from './feed.ts';

let database: TestDatabase;
let db: pg.Pool;
let worker: Pool;

before(async () => {
  database = await makeDatabase();
  db = ownerPool(database);
  worker = createTestPool(database.workerUrl, { maxConnections: 4 });
  await db.query('SELECT open_transfer_months(1)');
});
after(async () => {
  await worker.end();
  await db.end();
  await database.drop();
});

async function committed(client: pg.PoolClient): Promise<void> {
  await client.query('COMMIT');
  client.release();
}

test('what was committed is sealed once, in the order of its moments, and no segment is made of nothing', async () => {
  const ids = [await insertTransfer(db), await insertTransfer(db), await insertTransfer(db)];
  assert.ok((await sealLagSeconds(worker)) > 0);
  assert.equal(await sealFeed(worker), 3);
  assert.equal(await sealLagSeconds(worker), 0);
  assert.deepEqual((await sealedIds(db)).slice(-3), ids);
  const order = async () => (await db.query('SELECT * FROM feed_segments ORDER BY first_sequence')).rows;
  const before = await order();
  assert.equal(await sealFeed(worker), 0);
  assert.deepEqual(await order(), before);
});

test('what got its number before a seal and ends after it is sealed by the next one', async () => {
  const hanging = await beginWriting(db);
  await insertTransfer(db);
  assert.equal(await sealFeed(worker), 1);
  const [first, second] = [await beginWriting(db), await beginWriting(db)];
  const ids = [await insertTransfer(first), await insertTransfer(second)];
  await committed(first);
  // Where nothing else runs in the cluster, this seal has the number after that of `second`, and its snapshot ends before it.
  assert.equal(await sealFeed(worker), 1);
  await committed(second);
  assert.equal(await sealFeed(worker), 1);
  assert.deepEqual((await sealedIds(db)).slice(-2), ids);
  await committed(hanging);
});

test('a transaction that hangs holds back what it wrote and nothing else', async () => {
  const hanging = await beginWriting(db);
  const late = await insertTransfer(hanging);
  const others = [await insertTransfer(db), await insertTransfer(db)];
  assert.equal(await sealFeed(worker), 2);
  assert.equal(await sealFeed(worker), 0);
  await committed(hanging);
  assert.equal(await sealFeed(worker), 1);
  assert.deepEqual((await sealedIds(db)).slice(-3), [...others, late]);
});

test('a transaction that got its number first and an account second comes second', async () => {
  // `early` locks something else first, so its number is the lowest; then it waits for the account that `overtaking` pays.
  const early = await beginWriting(db);
  const hanging = await beginWriting(db);
  const overtaking = await beginWriting(db);
  const first = await insertTransfer(overtaking);
  await committed(overtaking);
  const second = await insertTransfer(early);
  await committed(early);
  // Negative control: what is below the xmin of a snapshot has the second one and not the first. Where nothing older is in flight,
  // which other databases of the cluster decide too, that is the number of `hanging`.
  const { rows: numbers } = await hanging.query('SELECT pg_current_xact_id()::text AS xmin');
  const { rows } = await db.query('SELECT id FROM transfers WHERE id = ANY ($1) AND written_by < $2', [
    [first, second],
    numbers[0]?.xmin,
  ]);
  assert.deepEqual(rows, [{ id: second }]);
  assert.equal(await sealFeed(worker), 2);
  assert.deepEqual((await sealedIds(db)).slice(-2), [first, second]);
  await committed(hanging);
});

test('what is rolled back is never sealed, and a seal that is cut off is done again', async () => {
  const undone = await beginWriting(db);
  await insertTransfer(undone);
  await undone.query('ROLLBACK');
  undone.release();
  const ids = [await insertTransfer(db), await insertTransfer(db)];
  const before = await sealedIds(db);
  const cutOff = await worker.connect();
  await cutOff.query('BEGIN');
  assert.equal((await cutOff.query('SELECT seal_feed() AS sealed')).rows[0]?.sealed, '2');
  // Others do not wait for it.
  assert.equal(await sealFeed(worker), 0);
  await cutOff.query('ROLLBACK');
  cutOff.release();
  assert.deepEqual(await sealedIds(db), before);
  assert.equal(await sealFeed(worker), 2);
  assert.deepEqual(await sealedIds(db), [...before, ...ids]);
});

test('what the transaction that seals has written, before or after, is sealed with what comes next', async () => {
  const client = await db.connect();
  await client.query('BEGIN');
  const ids = [await insertTransfer(client)];
  await client.query('SELECT seal_feed()');
  ids.push(await insertTransfer(client));
  await client.query('SELECT seal_feed()');
  await committed(client);
  ids.push(await insertTransfer(db));
  assert.equal(await sealFeed(worker), 3);
  assert.deepEqual((await sealedIds(db)).slice(-3), ids);
});

test('many that seal while many write give every transfer one number, without gaps', async () => {
  const before = (await sealedIds(db)).length;
  const written: string[] = [];
  const write = async () => {
    for (let count = 0; count < 40; count++) written.push(await insertTransfer(db));
  };
  let isWriting = true;
  const seal = async () => {
    while (isWriting) await sealFeed(worker);
  };
  const sealing = [seal(), seal(), seal()];
  await Promise.all([write(), write(), write()]);
  isWriting = false;
  await Promise.all(sealing);
  await sealFeed(worker);
  const ids = (await sealedIds(db)).slice(before);
  assert.deepEqual([...ids].sort(), [...written].sort());
  const { rows } = await db.query(`
    SELECT bool_and(first_sequence = previous + 1 AND first_leaf = leaves) AS has_no_gap FROM (
      SELECT first_sequence, first_leaf, lag(last_sequence, 1, 0) OVER running AS previous,
        lag(next_leaf, 1, 0) OVER running AS leaves
      FROM feed_segments WINDOW running AS (ORDER BY first_sequence)) AS s`);
  assert.deepEqual(rows, [{ has_no_gap: true }]);
});

test('a thousand entries that waited become segments of five hundred', async () => {
  const client = await beginWriting(db);
  const inOrder: string[] = [];
  for (let count = 0; count < 1001; count++) inOrder.push(await insertTransfer(client));
  await committed(client);
  assert.equal(await sealFeed(worker), 1001);
  assert.deepEqual((await sealedIds(db)).slice(-1001), inOrder);
  const { rows } = await db.query(
    'SELECT cardinality(ids) AS size FROM feed_segments ORDER BY first_sequence DESC LIMIT 3',
  );
  assert.deepEqual(
    rows.map(({ size }) => size),
    [1, 500, 500],
  );
});

test('reading how far the feed goes costs no more after hundreds of seals under an old snapshot', async () => {
  const old = await db.connect();
  await old.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await old.query('SELECT FROM feed_segments LIMIT 1');
  const client = await db.connect();
  await client.query('SET enable_seqscan = off');
  const pages = async () => {
    const { rows } = await client.query('EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM feed_end');
    const { Plan: plan } = rows[0]['QUERY PLAN'][0];
    return plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
  };
  await pages();
  const before = await pages();
  for (let count = 0; count < 300; count++) {
    await insertTransfer(db);
    assert.equal(await sealFeed(worker), 1);
  }
  // The index of the segments may have become a level higher.
  assert.ok((await pages()) <= before + 2, `${await pages()} pages after, ${before} before`);
  client.release(true);
  await committed(old);
});

test('a seal that finds nothing is noted every ten seconds, and no other one changes the state', async () => {
  await sealFeed(worker);
  const state = async () => (await db.query('SELECT * FROM feed_state')).rows[0];
  const end = async () => (await db.query('SELECT * FROM feed_end')).rows[0];
  const [stateBefore, endBefore] = [await state(), await end()];
  const ended = async () => {
    for (let count = 0; count < 5; count++) await db.query('SELECT pg_current_xact_id()');
  };
  await insertTransfer(db);
  await sealFeed(worker);
  await ended();
  assert.equal(await sealFeed(worker), 0);
  assert.deepEqual(await state(), stateBefore);
  // As if ten seconds had passed.
  await db.query('ALTER TABLE feed_segments DISABLE TRIGGER feed_segments_are_immutable');
  await db.query(`UPDATE feed_segments SET sealed_at = sealed_at - interval '11 seconds'`);
  await db.query('ALTER TABLE feed_segments ENABLE TRIGGER feed_segments_are_immutable');
  assert.equal(await sealFeed(worker), 0);
  const noted = await end();
  assert.deepEqual(
    [noted.last_sequence, noted.leaves].map(Number),
    [endBefore.last_sequence, endBefore.leaves].map((number) => Number(number) + 1),
  );
  assert.ok(BigInt(noted.next_transaction) > BigInt(endBefore.next_transaction) + 5n);
  const { is_the_only_row: _, ...row } = await state();
  assert.deepEqual(row, noted);
});

test('nobody seals under a snapshot from before the lock', async () => {
  const client = await worker.connect();
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await assert.rejects(client.query('SELECT seal_feed()'), /under READ COMMITTED only/);
  await client.query('ROLLBACK');
  client.release();
});

test('a copy in a cluster whose transactions have lower numbers is refused, and told how it is put right', async () => {
  // Noted by a seal that found nothing, after the last segment.
  const note = (ahead: number) =>
    db.query(
      `UPDATE feed_state s SET (last_sequence, leaves, in_flight, sealed_by) = (
         SELECT last_sequence, leaves, in_flight, sealed_by FROM feed_end),
         next_transaction = (SELECT next_transaction FROM feed_end) + $1`,
      [ahead],
    );
  await note(1_000_000_000);
  await assert.rejects(sealFeed(worker), /the ledger was copied into another cluster/);
  await note(-1_000_000_000);
  await insertTransfer(db);
  assert.equal(await sealFeed(worker), 1);
});

const BEFORE_0294 = readFileSync(
  join(import.meta.dirname, '../../src/db/migrations/0190-feed-end.sql'),
  'utf8',
).replace(/^.*(?=CREATE OR REPLACE FUNCTION seal_feed)/s, '');

test('what waited is sealed in proportion to it', async () => {
  const client = await db.connect();
  /** The pages that a seal of what waits needs, of tables and of temporary files. It is rolled back. */
  const pages = async (definition = '') => {
    await client.query(`BEGIN; SET LOCAL work_mem = '64kB'; ${definition}`);
    const { rows } = await client.query('EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT seal_feed()');
    await client.query('ROLLBACK');
    const { Plan: plan } = rows[0]['QUERY PLAN'][0];
    const kinds = ['Shared Hit', 'Shared Read', 'Temp Read', 'Temp Written'];
    return kinds.reduce((sum, kind) => sum + plan[`${kind} Blocks`], 0);
  };
  const measure = async (count: number) => {
    await insertTransfers(db, count);
    // The first seals of a session read catalogs, too.
    for (const definition of ['', BEFORE_0294]) await pages(definition);
    const measured = { now: await pages(), before: await pages(BEFORE_0294) };
    assert.equal(await sealFeed(worker), count);
    return measured;
  };
  await sealFeed(worker);
  const few = await measure(4_000);
  const many = await measure(16_000);
  client.release();
  assert.ok(many.now < 6 * few.now, `${many.now} pages for 16,000, ${few.now} for 4,000`);
  // Negative control: the function that cut the segments out of one array of everything.
  assert.ok(many.before > 6 * few.before, `${many.before} pages for 16,000, ${few.before} for 4,000`);
});
