// A database that is in use is migrated beside a long reader: payments and reads go on, whatever the migrations change.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import pg from 'pg';
import { migrate } from '../../src/db/migrate.ts';
import { given } from '../stack.ts';
import { type LongReader, openLongReader, type SteadyUse, startSteadyUse } from './steady-use.ts';

const FIRST_RELEASE = '0033-running-payouts.sql';
const OWN = fileURLToPath(new URL('../../src/db/migrations/', import.meta.url));
/**
 * Of the kinds that hold others up, each in the way that does not. The first comes before all that is newer than the first
 * release: it meets the reader's lock, while an index that is built concurrently only waits for the reader to end.
 */
const FURTHER = {
  '0034-column.sql': `ALTER TABLE transfers ADD COLUMN extra bigint;
    ALTER TABLE transfers ADD CONSTRAINT extra_is_positive CHECK (extra > 0) NOT VALID;`,
  '9002-validate.sql': 'ALTER TABLE transfers VALIDATE CONSTRAINT extra_is_positive;',
  '9003-index.sql': `-- no transaction
    CREATE INDEX CONCURRENTLY IF NOT EXISTS accounts_by_version ON accounts (version);
    SELECT format('CREATE INDEX CONCURRENTLY IF NOT EXISTS %I ON %s (extra)', relname || '_by_extra', oid::regclass)
      FROM pg_class JOIN pg_inherits ON inhrelid = oid WHERE inhparent = 'transfers'::regclass;`,
  '9004-index-of-all.sql': `CREATE INDEX transfers_by_extra ON ONLY transfers (extra);
    DO $$ DECLARE part text; BEGIN
      FOR part IN SELECT relname FROM pg_class JOIN pg_inherits ON inhrelid = oid WHERE inhparent = 'transfers'::regclass LOOP
        EXECUTE format('ALTER INDEX transfers_by_extra ATTACH PARTITION %I', part || '_by_extra');
      END LOOP;
    END $$;`,
  '9005-fill.sql': `-- no transaction
    DO $$ BEGIN LOOP
      UPDATE accounts SET display_name = 'filled' WHERE id IN (SELECT id FROM accounts WHERE display_name = '' LIMIT 1000);
      EXIT WHEN NOT FOUND; COMMIT;
    END LOOP; END $$;`,
};
/**
 * What holds others up is a lock that waits for the reader, however many rows there are. With MIGRATION_ROWS=400000
 * npm test -- test/db/migrations-in-use.test.ts the migrations themselves take seconds, too.
 */
const ROWS = Number(process.env.MIGRATION_ROWS ?? 100_000);
/** A call that waits for a lock of a migration waits a quarter of a second; the rest is for a busy machine. */
const LONGEST_GAP_MS = 5_000;
/** So often a migration has met the reader before that ends; where it never meets it, it waits for so long. */
const RETRIES = 3;
const READER_STAYS_MS = 30_000;

const folder = mkdtempSync(join(tmpdir(), 'ppuri-migrations-'));
const name = `test_${crypto.randomUUID().replaceAll('-', '')}`;
const ownerUrl = Object.assign(new URL(given('TEST_OWNER_URL')), { pathname: `/${name}` }).href;
const inAll = async (sql: string) => {
  const client = new pg.Client({ connectionString: given('TEST_OWNER_URL') });
  await client.connect();
  await client.query(sql).finally(() => client.end());
};
const bring = (onRetry?: () => void) =>
  migrate({
    ownerUrl,
    appPassword: given('TEST_APP_PASSWORD'),
    workerPassword: given('TEST_WORKER_PASSWORD'),
    folder: pathToFileURL(`${folder}/`),
    ...(onRetry && { onRetry }),
  });
let use: SteadyUse;
let reader: LongReader;

before(async () => {
  await inAll(`CREATE DATABASE ${name}`);
  const files = readdirSync(OWN).sort();
  for (const file of files.filter((file) => file <= FIRST_RELEASE))
    cpSync(join(OWN, file), join(folder, file));
  await bring();
  use = await startSteadyUse(ownerUrl, ROWS);
  for (const file of files) cpSync(join(OWN, file), join(folder, file));
  for (const [file, text] of Object.entries(FURTHER)) writeFileSync(join(folder, file), text);
});
after(async () => {
  await reader?.end();
  await use?.stop();
  rmSync(folder, { recursive: true, force: true });
  await inAll(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
});

test('payments and reads go on while migrations wait for a long reader, and while they run', async () => {
  reader = await openLongReader(ownerUrl);
  use.measure();
  let retries = 0;
  const met = Promise.withResolvers<void>();
  const waiting = setTimeout(met.resolve, READER_STAYS_MS);
  const migrating = bring(() => {
    retries += 1;
    if (retries === RETRIES) met.resolve();
  });
  // Where it fails, that is told below.
  await Promise.race([met.promise, migrating.catch(() => {})]);
  clearTimeout(waiting);
  const beside = await use.longestGapsMs();
  assert.ok(
    Math.max(beside.payment, beside.read) < LONGEST_GAP_MS,
    `beside the reader nobody paid for ${beside.payment} ms, nobody read for ${beside.read} ms`,
  );
  assert.equal(retries, RETRIES, 'no migration met the reader');
  await reader.end();
  await migrating;
  const gaps = await use.longestGapsMs();
  assert.ok(
    Math.max(gaps.payment, gaps.read) < LONGEST_GAP_MS,
    `nobody paid for ${gaps.payment} ms, nobody read for ${gaps.read} ms`,
  );
});
