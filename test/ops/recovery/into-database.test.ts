// A restore into a database of another cluster: the ledger goes on there and its books stay right; any other database is refused.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { migrate } from '../../../src/db/migrate.ts';
import { type OwnPostgres, startOwnPostgres } from '../../db/own-postgres.ts';
import { until } from '../../until.ts';
import { type Bank, openBank } from './bank.ts';
import { type RecoveryCluster, startRecoveryCluster } from './recovery-cluster.ts';

const PASSWORD = 'of-the-copy';
const IN_TIME_MS = 60_000;
const RESTORE = join(import.meta.dirname, '..', '..', '..', 'scripts', 'restore.ts');

let cluster: RecoveryCluster;
let bank: Bank;
let other: OwnPostgres;
before(async () => {
  [cluster, other] = await Promise.all([startRecoveryCluster(), startOwnPostgres()]);
  bank = await openBank(cluster.postgres);
});
after(async () => {
  await bank?.[Symbol.asyncDispose]();
  await Promise.all([cluster?.[Symbol.asyncDispose](), other?.stop()]);
});

const urlOf = (ownerUrl: string, database: string, login: Partial<URL> = {}) =>
  Object.assign(new URL(ownerUrl), { pathname: `/${database}`, ...login }).href;

async function query<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return (await client.query<Row>(sql).finally(() => client.end())).rows;
}

const TRANSFERS = 'SELECT id, amount::text, debit_account_id, credit_account_id FROM transfers ORDER BY id';
const BALANCES = 'SELECT id, balance::text, version FROM accounts ORDER BY id';

async function reconcile(url: string): Promise<{ transfers: string; faults: unknown[] }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    const { rows } = await client.query('SELECT * FROM reconcile_ledger()');
    await client.query('COMMIT');
    return rows[0];
  } finally {
    await client.end();
  }
}

const temporaryFolder = () => mkdtempSync(join(cluster.folder, 'tmp-'));
const workFoldersIn = (folder: string) =>
  readdirSync(folder).filter((name) => name.startsWith('ppuri-restore-'));

test('the copy has the ledger of the moment, and goes on', { timeout: 240_000 }, async () => {
  await cluster.must('backup', []);
  // Transactions of the old cluster get far higher numbers than those of the new one.
  for (let round = 0; round < 40; round++) await bank.payMany(8);
  // Some of them are in the checkpoints, and others are not.
  await reconcile(cluster.postgres.ownerUrl);
  await bank.payMany(8);
  const transfers = await cluster.query(TRANSFERS);
  const balances = await cluster.query(BALANCES);
  const moment = await cluster.now();
  const undone = await bank.payMany(3);
  await cluster.archived();
  await query(urlOf(other.ownerUrl, 'postgres'), 'CREATE DATABASE copied');
  const copied = urlOf(other.ownerUrl, 'copied');

  const TMPDIR = temporaryFolder();
  const bare = urlOf(copied, 'copied', { password: '' });
  const PGPASSWORD = decodeURIComponent(new URL(copied).password);
  const args = ['--to', moment, '--into', bare, '--json'];
  const { code, stdout, stderr } = await cluster.run('restore', args, { TMPDIR, PGPASSWORD });
  assert.equal(code, 0, stderr);
  const report = JSON.parse(stdout);
  assert.equal(report.into, `${new URL(copied).host}/copied`, 'the password is in the report');
  assert.deepEqual(report.ledgers, [{ database: 'copied', transfers: transfers.length, faults: [] }]);
  assert.deepEqual(
    report.undone.transfers.map(({ transferId }: { transferId: string }) => transferId).sort(),
    undone.sort(),
  );
  assert.deepEqual(await query(copied, TRANSFERS), transfers);
  assert.deepEqual(await query(copied, BALANCES), balances);
  assert.deepEqual(workFoldersIn(TMPDIR), [], 'the folder is left behind');

  await migrate({
    ownerUrl: copied,
    appPassword: PASSWORD,
    workerPassword: PASSWORD,
    adminPassword: PASSWORD,
  });
  const appUrl = urlOf(copied, 'copied', { username: 'ppuri_app', password: PASSWORD });
  await using again = await openBank({ ...other, ownerUrl: copied, appUrl }, false);
  await again.payMany(20);
  assert.deepEqual(await reconcile(copied), { transfers: '20', faults: [] });
  assert.deepEqual(await reconcile(copied), { transfers: '0', faults: [] });
});

test('a database that is not empty, of the same cluster, in use, not its own, or not there; and one that it only owns', {
  timeout: 120_000,
}, async () => {
  const refuses = async (into: string, words: RegExp) => {
    const { code, stderr } = await cluster.run('restore', ['--to', 'latest', '--into', into]);
    assert.equal(code, 1, stderr);
    assert.match(stderr, words);
    assert.doesNotMatch(stderr, /^\s+at /m, 'a stack trace');
    assert.ok(!stderr.includes(new URL(into).password), 'the password is in the error');
  };
  const before = await query(other.ownerUrl, BALANCES);
  await refuses(other.ownerUrl, /\/ppuri is not empty: it has \d+ tables, indexes, views and sequences/);
  assert.deepEqual(await query(other.ownerUrl, BALANCES), before);
  await query(urlOf(cluster.postgres.ownerUrl, 'postgres'), 'CREATE DATABASE sibling');
  await refuses(
    urlOf(cluster.postgres.ownerUrl, 'sibling'),
    /\/sibling is in the cluster that was backed up \(\d+\); name an empty database of another cluster/,
  );
  await query(urlOf(other.ownerUrl, 'postgres'), 'CREATE DATABASE used');
  const used = urlOf(other.ownerUrl, 'used');
  const session = new pg.Client({ connectionString: used });
  await session.connect();
  await refuses(used, /\/used is in use: 1 others are connected to it/);
  // The owner of a database who is nothing else does not see what the sessions of others are.
  await query(other.ownerUrl, `CREATE ROLE renter LOGIN PASSWORD '${PASSWORD}'`);
  await query(other.ownerUrl, `CREATE ROLE guest LOGIN PASSWORD '${PASSWORD}'`);
  await query(used, 'ALTER DATABASE used OWNER TO renter');
  const rented = urlOf(used, 'used', { username: 'renter', password: PASSWORD });
  await refuses(rented, /\/used is in use: 1 others are connected to it/);
  await session.end();
  await until(
    'the session has ended',
    async () =>
      (await query(other.ownerUrl, `SELECT 1 FROM pg_stat_activity WHERE datname = 'used'`)).length === 0,
    IN_TIME_MS,
  );
  const asGuest = urlOf(used, 'used', { username: 'guest', password: PASSWORD });
  await refuses(asGuest, /\/used does not let its login create tables in the schema public/);
  await cluster.must('restore', ['--to', 'latest', '--into', rented]);
  assert.deepEqual(await query(rented, BALANCES), await cluster.query(BALANCES));
  await refuses(
    urlOf(other.ownerUrl, 'nowhere'),
    /cannot connect to .*\/nowhere as ppuri_owner: .*does not exist/,
  );
});

/** Starts a restore into a database, and waits until its plan is accepted; the folder that it works in. */
async function startCopy(database: string) {
  await query(urlOf(other.ownerUrl, 'postgres'), `CREATE DATABASE ${database}`);
  const into = urlOf(other.ownerUrl, database);
  const TMPDIR = temporaryFolder();
  const child = spawn(process.execPath, [RESTORE, '--to', 'latest', '--into', into], {
    env: { ...process.env, ...cluster.env, TMPDIR },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const ended = once(child, 'close');
  await until('the plan is accepted', () => stderr.includes('Restore of cluster'), IN_TIME_MS);
  const [name = ''] = workFoldersIn(TMPDIR);
  return { child, into, ended, TMPDIR, cluster: join(TMPDIR, name, 'cluster'), stderr: () => stderr };
}

test('a database that is not empty any more when the copy begins', { timeout: 120_000 }, async () => {
  const copy = await startCopy('filled');
  await query(copy.into, 'CREATE TABLE meanwhile ()');
  assert.deepEqual(await copy.ended, [1, null], copy.stderr());
  assert.match(copy.stderr(), /\/filled is not empty: it has 1 tables/);
});

test('a copy that is stopped leaves no ledger in a file', { timeout: 120_000 }, async () => {
  const copy = await startCopy('stopped');
  await until('the ledger is restored', () => existsSync(copy.cluster), IN_TIME_MS);
  copy.child.kill('SIGTERM');
  await copy.ended;
  assert.deepEqual(workFoldersIn(copy.TMPDIR), []);
});
