// Migrations hold nobody up: what they may say, how the runner waits for locks, and how it goes on after a crash.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { migrate } from '../../src/db/migrate.ts';
import { statementsOf } from '../../src/db/migration-file.ts';
import { given, makeDatabase, ownerPool, type TestDatabase } from '../stack.ts';
import { lintMigrations, type Migration, OWN_RULES } from './migration-rules.ts';

/** The last file of the first release. Up to here every database is made from nothing, so nobody can be held up. */
const FIRST_RELEASE = '0033-running-payouts.sql';

for (const folder of ['migrations', 'archive/migrations']) {
  const url = new URL(`../../src/db/${folder}/`, import.meta.url);
  test(`no migration in ${folder} since the first release holds up or breaks those who use its tables`, async () => {
    const migrations = readdirSync(url)
      .filter((file) => (folder === 'migrations' ? file > FIRST_RELEASE : file !== '0001-archive.sql'))
      .map((file): Migration => [file, readFileSync(new URL(file, url), 'utf8')]);
    assert.ok(migrations.length > 2);
    const found = [...(await lintMigrations(migrations))].filter(([, lines]) => lines.length > 0);
    assert.deepEqual(found, []);
  });
}

const REFUSED = [
  'CREATE INDEX a ON transfers (memo);',
  'CREATE UNIQUE INDEX a ON ONLY transfers (id); CREATE INDEX b ON accounts (version);',
  'CREATE INDEX CONCURRENTLY IF NOT EXISTS a ON accounts (version);',
  '-- no transaction\nCREATE INDEX CONCURRENTLY a ON accounts (version);',
  'ALTER TABLE accounts ADD CONSTRAINT a CHECK (version >= 0);',
  'ALTER TABLE accounts ADD CHECK (version >= 0);',
  'ALTER TABLE accounts ADD CONSTRAINT a CHECK (version >= 0) NOT VALID; ALTER TABLE accounts VALIDATE CONSTRAINT a;',
  'ALTER TABLE accounts ADD CONSTRAINT a FOREIGN KEY (owner_user_id) REFERENCES users (id);',
  'ALTER TABLE accounts ADD CONSTRAINT a UNIQUE (version);',
  'ALTER TABLE accounts ADD COLUMN a bigint REFERENCES users (id);',
  'ALTER TABLE accounts ADD COLUMN a uuid DEFAULT gen_random_uuid();',
  'ALTER TABLE accounts ADD COLUMN a bigint GENERATED ALWAYS AS IDENTITY;',
  'ALTER TABLE accounts ALTER COLUMN version TYPE integer;',
  'ALTER TABLE accounts ALTER version SET NOT NULL;',
  'UPDATE accounts SET version = version;',
  'WITH a AS (SELECT 1) DELETE FROM accounts;',
  'DO $$ BEGIN UPDATE accounts SET version = 1; END $$;',
  '-- no transaction\nUPDATE accounts SET version = version;',
  'LOCK TABLE accounts;',
  'SET LOCAL lock_timeout = 0; ALTER TABLE accounts ADD COLUMN a bigint;',
  'ALTER TABLE accounts ADD COLUMN a bigint NOT NULL;',
  'ALTER TABLE accounts DROP COLUMN version;',
  'ALTER TABLE accounts RENAME version TO revision;',
  'ALTER TABLE accounts RENAME TO purses;',
  `ALTER TYPE transfer_kind RENAME VALUE 'refund' TO 'return';`,
  'DROP TABLE used_nonces;',
  'DROP FUNCTION purge_nonces(integer);',
  'DROP INDEX accounts_by_owner;',
  'ALTER TABLE transfers DETACH PARTITION transfers_2026_01;',
  'CREATE TABLE a (b uuid REFERENCES accounts (id)); ALTER TABLE accounts ADD COLUMN c bigint;',
  'CREATE TRIGGER a BEFORE UPDATE ON accounts EXECUTE FUNCTION refuse_change(); ALTER TABLE accounts ADD COLUMN c bigint;',
  'CREATE OR REPLACE TRIGGER a BEFORE UPDATE ON accounts EXECUTE FUNCTION refuse_change(); ALTER TABLE accounts ADD COLUMN c bigint;',
  'CREATE TABL accounts (id bigint);',
];

const ALLOWED = [
  'CREATE TABLE a (b bigint CHECK (b > 0)); CREATE INDEX a_b ON a (b); UPDATE a SET b = 1;',
  '-- no transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS a ON accounts (version);',
  'ALTER TABLE accounts ADD CONSTRAINT a CHECK (version >= 0) NOT VALID;',
  'ALTER TABLE accounts VALIDATE CONSTRAINT a;',
  'ALTER TABLE accounts ADD COLUMN c bigint; CREATE TABLE a (b uuid REFERENCES accounts (id));',
  'ALTER TABLE accounts ADD COLUMN a bigint NOT NULL DEFAULT 0, ADD COLUMN b timestamptz DEFAULT now();',
  'ALTER TABLE accounts ADD COLUMN a uuid; ALTER TABLE accounts ALTER COLUMN a SET DEFAULT gen_random_uuid();',
  'GRANT UPDATE (version) ON accounts TO ppuri_app;',
  'CREATE OR REPLACE FUNCTION a() RETURNS void LANGUAGE sql AS $$ UPDATE accounts SET version = 1 $$;',
  '-- few rows: there is one\nUPDATE cache_epochs SET epoch = epoch;',
  '-- contract: 0.2.0 reads revision\nALTER TABLE accounts DROP COLUMN version;',
  '-- contract: 0.2.0 does not call it\nDROP FUNCTION purge_nonces(integer);',
  'CREATE INDEX a ON ONLY transfers (memo);',
  `-- no transaction
   DO $$ BEGIN LOOP
     UPDATE accounts SET version = version WHERE id IN (SELECT id FROM accounts WHERE version < 0 LIMIT 1000);
     EXIT WHEN NOT FOUND; COMMIT;
   END LOOP; END $$;`,
];
/** All at once, for each run of Squawk is a process. */
let linting: Promise<Map<string, string[]>> | undefined;
async function findingsIn(sql: string): Promise<string[] | undefined> {
  linting ??= lintMigrations([...REFUSED, ...ALLOWED].map((sql) => [sql, sql]));
  return (await linting).get(sql);
}
for (const sql of REFUSED) {
  test(`refused in a migration: ${sql}`, async () => assert.notDeepEqual(await findingsIn(sql), []));
}
for (const sql of ALLOWED) {
  test(`allowed in a migration: ${sql}`, async () => assert.deepEqual(await findingsIn(sql), []));
}
test('each of our own rules refuses something of the above', async () => {
  const lines = (await Promise.all(REFUSED.map(findingsIn))).flat().join('\n');
  for (const { instead } of OWN_RULES) assert.ok(lines.includes(instead), instead);
});

test('statements end at semicolons, but not at those in strings, comments and bodies', () => {
  const statements = [`-- a; b\nSELECT ';', "a;b" /* ; */`, 'DO $x$ BEGIN; $$;$$ END $x$', "SELECT 'it''s;'"];
  assert.deepEqual(statementsOf(`${statements.join(';\n')};\n-- the end;\n`), statements);
});

async function withFiles(
  files: Record<string, string>,
  work: (database: TestDatabase, run: () => Promise<void>) => Promise<void>,
) {
  const database = await makeDatabase();
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-migrations-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const run = () =>
    migrate({
      ownerUrl: database.ownerUrl,
      appPassword: given('TEST_APP_PASSWORD'),
      workerPassword: given('TEST_WORKER_PASSWORD'),
      folder: pathToFileURL(`${folder}/`),
    });
  try {
    await work(database, run);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await database.drop();
  }
}

test('an index that a crash left half built is built again, and the rows of a SELECT are statements', async () => {
  const file = '9001-index.sql';
  const text = `-- no transaction
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS half_built ON numbers (n);
SELECT format('CREATE INDEX CONCURRENTLY IF NOT EXISTS %I ON numbers (n)', 'numbers_' || i) FROM generate_series(1, 3) AS i;`;
  await withFiles({ [file]: text }, async (database, run) => {
    const db = ownerPool(database);
    await db.query('CREATE TABLE numbers (n integer); INSERT INTO numbers VALUES (1), (1)');
    await assert.rejects(run(), /9001-index\.sql failed/);
    const valid = async () =>
      (
        await db.query(
          `SELECT indexrelid::regclass::text AS name FROM pg_index WHERE indrelid = 'numbers'::regclass AND indisvalid ORDER BY 1`,
        )
      ).rows.map(({ name }) => name);
    assert.deepEqual(await valid(), []);
    await db.query('DELETE FROM numbers');
    await run();
    assert.deepEqual(await valid(), ['half_built', 'numbers_1', 'numbers_2', 'numbers_3']);
    await db.end();
  });
});

test('two who migrate at once, one of whom builds an index concurrently, do not wait for each other', async () => {
  const text = '-- no transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS many_n ON many (n);';
  await withFiles({ '9001-index.sql': text }, async (database, run) => {
    const db = ownerPool(database);
    await db.query('CREATE TABLE many AS SELECT n FROM generate_series(1, 200000) AS n');
    await Promise.all([run(), run(), run()]);
    const { rows } = await db.query(`SELECT indisvalid FROM pg_index WHERE indexrelid = 'many_n'::regclass`);
    assert.deepEqual(rows, [{ indisvalid: true }]);
    await db.end();
  });
});
