// The lease, where the commit that ends it is slow: until that is visible, others read the row as it was before.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLease, LEASE_MS, type Lease } from '../../src/cache/lease.ts';
import { createCacheEpochs } from '../../src/db/cache-epochs.ts';
import type { Pool } from '../../src/db/pool.ts';
import { makeDatabase, ownerPool, type TestDatabase } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';
import { until } from '../until.ts';

/** Longer than a lease, and shorter than two. */
const COMMIT_S = 1.5;
const LAST_READ_MS = 1_300;
const IN_TIME_MS = 60_000;

type StartLease = (redisRunId: () => string | undefined, mayRead?: () => Promise<void>) => Promise<Lease>;

/** Runs a test with a database of its own: its only row of epochs is what leases of one database share. */
async function withLeases(
  work: (startLease: StartLease, database: TestDatabase) => Promise<void>,
): Promise<void> {
  const database = await makeDatabase();
  const pools: Pool[] = [];
  const start: StartLease = (redisRunId, mayRead) => startLease(database, pools, redisRunId, mayRead);
  try {
    await work(start, database);
  } finally {
    await Promise.all(pools.map((pool) => pool.end()));
    await database.drop();
  }
}

async function startLease(
  database: TestDatabase,
  pools: Pool[],
  redisRunId: () => string | undefined,
  mayRead: () => Promise<void> = async () => {},
): Promise<Lease> {
  const pool = createTestPool(database.appUrl, { statementTimeoutMs: 30_000 });
  pools.push(pool);
  const epochs = createCacheEpochs(pool, LEASE_MS);
  const delayed = {
    ...epochs,
    read: async () => {
      await mayRead();
      return epochs.read();
    },
  };
  return createLease({ epochs: delayed, redisRunId, onFault: () => {} });
}

async function trustNothingAtDifferentRuns(startLease: StartLease): Promise<void> {
  const leases = [await startLease(() => 'run of one'), await startLease(() => 'run of another')];
  try {
    await until(
      'both know that the cache is suspended',
      () => leases.every((lease) => lease.isSuspended()),
      IN_TIME_MS,
    );
    // Each keeps adopting its own run several times a second; within one suspension that starts no further wait.
    const end = performance.now() + 3 * LEASE_MS;
    while (performance.now() < end) {
      for (const lease of leases) {
        assert.equal(lease.current(), undefined);
        assert.ok(lease.isSuspended(), 'somebody would wait for a lease again');
      }
      await sleep(50);
    }
  } finally {
    for (const lease of leases) lease[Symbol.dispose]();
  }
}

async function waitUntilNobodyTrusts(startLease: StartLease, database: TestDatabase): Promise<void> {
  let writersRun: string | undefined = 'one run';
  const asksAgain = Promise.withResolvers<void>();
  let isHeldUp = false;
  const reader = await startLease(
    () => 'one run',
    async () => (isHeldUp ? asksAgain.promise : undefined),
  );
  const writer = await startLease(() => writersRun);
  const db = ownerPool(database);
  try {
    await until('the reader trusts entries', () => reader.current() !== undefined, IN_TIME_MS);
    // What is deferred happens in COMMIT, before anybody sees what was written.
    await db.query(`
      CREATE FUNCTION slow_down() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(${COMMIT_S}); RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER commits_slowly AFTER UPDATE ON cache_epochs DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION slow_down()`);
    writersRun = undefined;
    // The reader asks a last time before the commit is visible, and trusts what it read for as long as its lease runs.
    setTimeout(() => {
      isHeldUp = true;
    }, LAST_READ_MS);
    // As batches do before they commit: some suspend the cache, others find it suspended.
    let isOver = false;
    const suspending = (async () => {
      while (!isOver) await (writer.isSuspended() ? sleep(5) : writer.suspend());
    })();
    let seen = 0;
    for (const end = performance.now() + 15_000; performance.now() < end && seen < 200; await sleep(5)) {
      if (!writer.isSuspended()) continue;
      seen += 1;
      if (reader.current() !== undefined) break;
    }
    const isTrusted = reader.current() !== undefined;
    isOver = true;
    await suspending;
    assert.ok(!isTrusted, 'the reader trusts entries while the cache is suspended');
    assert.ok(seen > 0, 'the cache was never suspended');
  } finally {
    asksAgain.resolve();
    reader[Symbol.dispose]();
    writer[Symbol.dispose]();
    await db.end();
  }
}

describe('the lease', { concurrency: true }, () => {
  test('processes at different runs of Redis trust no entries, and none waits for a lease more than once', () =>
    withLeases(trustNothingAtDifferentRuns));
  test('a process that suspends the cache waits until nobody trusts entries, however slow its commit is', () =>
    withLeases(waitUntilNobodyTrusts));
});
