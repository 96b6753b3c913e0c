// Migrating needs no superuser: the owner of the database who may make roles is enough, also beside other owners.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { findFree } from '../../scripts/dev/ports.ts';
import { type Postgres, startPostgres } from '../../scripts/dev/postgres.ts';
import { migrate } from '../../src/db/migrate.ts';
import { printSchema } from '../golden/print-schema.ts';
import { until } from '../until.ts';

/** One password for everybody here. */
const PASSWORD = 'of-everybody-in-this-test';

const folder = mkdtempSync(join(tmpdir(), 'ppuri-plain-owner-'));
let postgres: Postgres;
before(async () => {
  const [port = 0] = await findFree(1);
  postgres = await startPostgres({ dataDir: folder, logDir: folder, port });
  for (const login of ['first', 'second', 'bare', 'guest']) {
    const right = login === 'bare' ? 'NOCREATEROLE' : 'CREATEROLE';
    await asSuperuser('postgres', `CREATE ROLE ${login} LOGIN ${right} PASSWORD '${PASSWORD}'`);
  }
});
after(async () => {
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const urlOf = (pathname: string, username?: string) =>
  Object.assign(new URL(postgres.ownerUrl), { pathname, ...(username && { username, password: PASSWORD }) })
    .href;

async function connect(database: string, login?: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: urlOf(database, login) });
  await client.connect();
  return client;
}

async function run(database: string, login: string | undefined, sql: string): Promise<unknown[]> {
  const client = await connect(database, login);
  return (await client.query(sql).finally(() => client.end())).rows;
}

const asSuperuser = (database: string, sql: string) => run(database, undefined, sql);

async function makeDatabase(name: string, owner: string): Promise<string> {
  await asSuperuser('postgres', `CREATE DATABASE ${name} OWNER ${owner}`);
  return name;
}

/** Migrates; returns the warnings. */
async function bring(database: string, login: string, schema: 'ledger' | 'archive' = 'ledger') {
  const warnings: string[] = [];
  await migrate({
    ...{ ownerUrl: urlOf(database, login), schema, onWarning: (message) => warnings.push(message) },
    ...{ appPassword: PASSWORD, workerPassword: PASSWORD, adminPassword: PASSWORD },
  });
  return warnings;
}

/** While another session holds a role that it makes or changes, somebody runs into it; then that session commits. */
async function beside(change: string, work: () => Promise<unknown>): Promise<void> {
  const other = await connect('postgres', 'first');
  try {
    await other.query(`BEGIN; ${change}`);
    const working = work();
    const waits = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = 'first'`;
    await Promise.race([
      until('a session waits for the role', async () => (await asSuperuser('postgres', waits)).length > 0),
      working,
    ]);
    await other.query('COMMIT');
    await working;
  } finally {
    await other.end();
  }
}

/** As in a new cluster; a database that was migrated goes with them. */
async function forgetRoles(): Promise<void> {
  await asSuperuser('postgres', 'DROP DATABASE IF EXISTS one');
  await asSuperuser('postgres', 'DROP ROLE IF EXISTS ppuri_app, ppuri_worker, ppuri_admin');
}

test('without CREATEROLE it stops, names the statement that helps, and has changed nothing', async () => {
  await forgetRoles();
  const database = await makeDatabase('bare', 'bare');
  await assert.rejects(
    bring(database, 'bare'),
    /bare may not make the role ppuri_app: .* has to run ALTER ROLE "bare" CREATEROLE/,
  );
  assert.deepEqual(await asSuperuser(database, `SELECT to_regclass('migrations') AS made`), [{ made: null }]);
});

test('a role that another database makes or changes at the same moment is waited for', async () => {
  await makeDatabase('one', 'first');
  const make = 'CREATE ROLE ppuri_app';
  // Without trying again it fails.
  await assert.rejects(
    beside(make, () => run('one', 'first', make)),
    /pg_authid_rolname_index/,
  );
  await asSuperuser('postgres', 'DROP ROLE ppuri_app');
  await beside(make, () => bring('one', 'first'));

  const change = 'ALTER ROLE ppuri_app CONNECTION LIMIT 50';
  await assert.rejects(
    beside(change, () => run('one', 'first', change)),
    /tuple concurrently updated/,
  );
  await beside(change, () => bring('one', 'first'));
});

test('an owner who may make roles migrates two empty databases at once, to the reviewed schema', async () => {
  await Promise.all([makeDatabase('ledger', 'first'), makeDatabase('archive', 'first')]);
  await forgetRoles();
  const warnings = await Promise.all([bring('ledger', 'first'), bring('archive', 'first', 'archive')]);
  assert.deepEqual(warnings, [[], []]);
  const db = new pg.Pool({ connectionString: urlOf('ledger') });
  const printed = await printSchema(db).finally(() => db.end());
  const golden = readFileSync(new URL('../golden/schema.txt', import.meta.url), 'utf8');
  assert.deepEqual(printed.split('\n'), golden.split('\n'));
});

test('another owner uses roles that are there, and learns which statement lets it set their passwords', async () => {
  await makeDatabase('neighbor', 'second');
  const warnings = await bring('neighbor', 'second');
  assert.deepEqual(
    warnings.map((line) => /has to run (.*)$/.exec(line)?.[1]),
    ['ppuri_app', 'ppuri_worker', 'ppuri_admin'].map((role) => `GRANT ${role} TO "second" WITH ADMIN OPTION`),
  );
  assert.deepEqual(await run('neighbor', 'ppuri_app', 'SELECT count(*)::int AS users FROM users'), [
    { users: 0 },
  ]);
  for (const role of ['ppuri_app', 'ppuri_worker', 'ppuri_admin'])
    await asSuperuser('postgres', `GRANT ${role} TO second WITH ADMIN OPTION`);
  assert.deepEqual(await bring('neighbor', 'second'), []);
});

test('an old membership is withdrawn by who granted it, and otherwise named', async () => {
  await run('ledger', 'first', 'GRANT ppuri_app TO ppuri_worker');
  assert.deepEqual(await bring('ledger', 'first'), []);
  const member = `SELECT pg_has_role('ppuri_worker', 'ppuri_app', 'MEMBER') AS is_member`;
  assert.deepEqual(await asSuperuser('ledger', member), [{ is_member: false }]);
  await asSuperuser('ledger', 'GRANT ppuri_app TO ppuri_worker');
  const [warning = ''] = await bring('ledger', 'first');
  assert.match(warning, /has to run REVOKE ppuri_app FROM ppuri_worker$/);
  await asSuperuser('ledger', 'REVOKE ppuri_app FROM ppuri_worker');
});

test('who owns neither the database nor its tables is told who does', async () => {
  await assert.rejects(bring('ledger', 'guest'), /guest does not own the database ledger: migrate as first/);
  await asSuperuser('ledger', 'ALTER DATABASE ledger OWNER TO second');
  await assert.rejects(
    bring('ledger', 'second'),
    /second does not own the tables of ledger: migrate as first/,
  );
  // What owners may do to a database of another is theirs to grant.
  await asSuperuser('ledger', 'GRANT first TO second');
  assert.deepEqual(await bring('ledger', 'second'), []);

  await makeDatabase('closed', 'first');
  await asSuperuser('closed', `ALTER SCHEMA public OWNER TO ${new URL(postgres.ownerUrl).username}`);
  await assert.rejects(
    bring('closed', 'first'),
    /has to run ALTER SCHEMA public OWNER TO pg_database_owner$/,
  );
});

test('a database of something else is left alone', async () => {
  await makeDatabase('shop', 'first');
  await run('shop', 'first', 'CREATE TABLE orders (id bigint)');
  await assert.rejects(bring('shop', 'first'), /shop was never migrated, but has tables already \(orders\)/);
  await run('shop', 'first', 'CREATE TABLE migrations (id bigint)');
  await assert.rejects(
    bring('shop', 'first'),
    /has a table migrations of another program: correct DATABASE_URL/,
  );
  await assert.rejects(bring('ledger', 'second', 'archive'), /is the one of the ledger: correct ARCHIVE_/);
  await assert.rejects(bring('archive', 'first'), /is the one of the archive: correct DATABASE_URL/);
});
