// Programs start on a database that was migrated for them or for a later version, and say plainly what others lack.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { migrate } from '../../src/db/migrate.ts';
import type { Pool } from '../../src/db/pool.ts';
import { checkSchema } from '../../src/db/schema-state.ts';
import { prepareDatabases, type Resources } from '../../src/runtime/index.ts';
import { createServerProgram } from '../../src/server/compose.ts';
import { readServerConfig } from '../../src/server/config.ts';
import { createWorkerProgram } from '../../src/worker/compose.ts';
import { readWorkerConfig } from '../../src/worker/config.ts';
import { given, makeDatabase, ownerPool, serverEnv, startStack } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';
import { makeArchive } from '../worker/archive-database.ts';

const FILES = readdirSync(new URL('../../src/db/migrations/', import.meta.url)).sort();
const NEWEST = FILES.at(-1) ?? '';
const NEWEST_OF_ARCHIVE =
  readdirSync(new URL('../../src/db/archive/migrations/', import.meta.url))
    .sort()
    .at(-1) ?? '';
const title = (file: string) => file.replace('.sql', '');
const MIGRATE = "run 'npm run migrate' (or the image with 'migrate') first";
const folder = mkdtempSync(join(tmpdir(), 'ppuri-schema-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** What a program says of a database after this change. */
async function refusalAfter(change: string): Promise<string> {
  const database = await makeDatabase();
  const db = ownerPool(database);
  const pool = createTestPool(database.appUrl);
  try {
    await db.query(change);
    return await checkSchema(pool, 'ledger').then(
      () => 'it starts',
      (error: Error) => `${error.name}: ${error.message}`,
    );
  } finally {
    await Promise.all([db.end(), pool.end()]);
    await database.drop();
  }
}

const LACKING: Readonly<Record<string, readonly [change: string, refusal: string]>> = {
  nothing: ['SELECT 1', 'it starts'],
  'a table of migrations': [
    'DROP TABLE migrations',
    `SchemaError: the database of DATABASE_URL was never migrated: ${MIGRATE}`,
  ],
  'any migration': [
    'DELETE FROM migrations',
    `SchemaError: the database of DATABASE_URL was never migrated: ${MIGRATE}`,
  ],
  'the newest migration': [
    `DELETE FROM migrations WHERE name = '${NEWEST}'`,
    `SchemaError: the database of DATABASE_URL lacks migration ${title(NEWEST)}: ${MIGRATE}`,
  ],
  'the two newest': [
    `DELETE FROM migrations WHERE name >= '${FILES.at(-2)}'`,
    `SchemaError: the database of DATABASE_URL lacks migration ${title(FILES.at(-2) ?? '')} and 1 more: ${MIGRATE}`,
  ],
  'one in the middle': [
    `DELETE FROM migrations WHERE name = '${FILES[4]}'`,
    `SchemaError: the database of DATABASE_URL lacks migration ${title(FILES[4] ?? '')}, although it has ${title(NEWEST)}: ` +
      `find out how that happened, then ${MIGRATE}`,
  ],
  'our migrations, because they are of another program': [
    `UPDATE migrations SET name = '20260101' || name`,
    'SchemaError: the database of DATABASE_URL has a table migrations of another program: correct DATABASE_URL',
  ],
  'our columns': [
    'ALTER TABLE migrations RENAME name TO version',
    'SchemaError: the database of DATABASE_URL has a table migrations of another program: correct DATABASE_URL',
  ],
  'the right to read it': [
    'REVOKE SELECT ON migrations FROM ppuri_app',
    `SchemaError: the login of DATABASE_URL may not read the table migrations, which migrating grants: ${MIGRATE}`,
  ],
};
for (const [what, [change, refusal]] of Object.entries(LACKING)) {
  test(`a database that lacks ${what}`, async () => assert.equal(await refusalAfter(change), refusal));
}

test('the databases of the ledger and the archive are not taken for each other', async () => {
  const ledger = await makeDatabase();
  const archive = await makeArchive(ledger);
  const [ledgerPool, archivePool] = [createTestPool(ledger.appUrl), createTestPool(archive.appUrl)];
  try {
    assert.deepEqual(await checkSchema(archivePool, 'archive'), { newer: [], strange: [] });
    await assert.rejects(checkSchema(ledgerPool, 'archive'), /is the one of the ledger: correct ARCHIVE_/);
    await assert.rejects(checkSchema(archivePool, 'ledger'), /is the one of the archive: correct DATABASE_/);
  } finally {
    await Promise.all([ledgerPool.end(), archivePool.end()]);
    await Promise.all([ledger.drop(), archive.drop()]);
  }
});

test('servers and workers refuse to start where a migration is missing, and start once it is there', async () => {
  const database = await makeDatabase();
  const startServer = () => createServerProgram(readServerConfig(serverEnv(database, folder)));
  const startWorker = () =>
    createWorkerProgram(
      readWorkerConfig({
        ...{ DATABASE_URL: database.workerUrl, REDIS_URL: given('TEST_REDIS_URL') },
        ...{ OPS_PORT: '0', LOG_DIR: folder, LOG_STDOUT: 'none' },
      }),
    );
  const db = ownerPool(database);
  try {
    await db.query('DELETE FROM migrations WHERE name = $1', [NEWEST]);
    const lacks = { name: 'SchemaError', message: LACKING['the newest migration']?.[1]?.slice(13) };
    await assert.rejects(startServer(), lacks);
    await assert.rejects(startWorker(), lacks);
    // It is the migration alone that was missing.
    await db.query('INSERT INTO migrations VALUES ($1)', [NEWEST]);
    for (const start of [startServer, startWorker]) await (await start()).stop();
  } finally {
    await db.end();
    await database.drop();
  }
});

test('an archive that lacks a migration keeps programs from starting, and one that is away does not', async () => {
  const database = await makeDatabase();
  const archive = await makeArchive(database);
  // However busy the machine is, an archive that is there can be reached.
  const patient = { giveUpMs: 60_000 };
  const ledgerPool = createTestPool(database.appUrl);
  const archivePool = createTestPool(archive.appUrl, patient);
  const away = createTestPool('postgres://ppuri_app:x@127.0.0.1:1/archive');
  const archiveDb = ownerPool({ ...database, ownerUrl: archive.ownerUrl });
  const warnings: string[] = [];
  const warn = (message: string) => () => void warnings.push(message);
  const logs = { app: { info: () => {}, warn: () => {} } } as unknown as Resources['logs'];
  const prepare = (pool: Pool) => prepareDatabases({ logs, warn }, { ledger: ledgerPool, archive: pool });
  try {
    await prepare(archivePool);
    await archiveDb.query('DELETE FROM migrations WHERE name = $1', [NEWEST_OF_ARCHIVE]);
    await assert.rejects(prepare(archivePool), {
      name: 'SchemaError',
      message: `the database of ARCHIVE_DATABASE_URL lacks migration ${title(NEWEST_OF_ARCHIVE)}: ${MIGRATE}`,
    });
    assert.deepEqual(warnings, []);
    await prepare(away);
    assert.deepEqual(warnings, ['the archive cannot be reached, so its migrations were not checked']);
  } finally {
    await Promise.all([ledgerPool, archivePool, away, archiveDb].map((pool) => pool.end()));
    await archive.drop();
    await database.drop();
  }
});

test('a later migration changes nothing for a server that runs, and others start beside it', async () => {
  const stack = await startStack();
  const ready = async () => {
    const { status } = await fetch(`http://127.0.0.1:${stack.app.opsPort}/readyz`);
    return status;
  };
  try {
    assert.equal(await ready(), 200);
    const later = join(folder, 'later');
    mkdirSync(later);
    writeFileSync(join(later, '9001-later.sql'), 'ALTER TABLE users ADD COLUMN later text;');
    await migrate({
      ...{ ownerUrl: stack.database.ownerUrl, folder: pathToFileURL(`${later}/`) },
      appPassword: given('TEST_APP_PASSWORD'),
    });
    assert.equal(await ready(), 200);
    await stack.addUsers([1, 2]);
    await stack.fund([1], 100);
    const other = await createServerProgram(readServerConfig(serverEnv(stack.database, folder)));
    await other.stop();
    await stack.db.query(`INSERT INTO migrations VALUES ('0074-of-a-branch.sql')`);
    assert.deepEqual(await checkSchema(stack.db, 'ledger'), {
      newer: ['9001-later'],
      strange: ['0074-of-a-branch'],
    });
  } finally {
    await stack.stop();
  }
});
