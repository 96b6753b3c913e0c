// The runbooks of an operator's error, a corrupt page and a lost site: the damage is done, seen, and undone by their commands.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startOwnPostgres } from '../../db/own-postgres.ts';
import { until } from '../../until.ts';
import { type Bank, openBank } from './bank.ts';
import { lineOf, placed, RESTORE, shell } from './pages.ts';
import { type RecoveryCluster, startRecoveryCluster } from './recovery-cluster.ts';
import { openRestored } from './restored.ts';

const IN_TIME_MS = 60_000;

let cluster: RecoveryCluster;
let bank: Bank;
before(async () => {
  cluster = await startRecoveryCluster();
  bank = await openBank(cluster.postgres);
  await bank.payMany(10);
  await cluster.must('backup', []);
  mkdirSync(join(cluster.folder, 'log'));
});
after(async () => {
  await bank?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

/** Runs the line of a runbook that is of this form, into a folder of this name, with more places and variables. */
function follow(
  page: string,
  form: RegExp,
  into: string,
  more: Record<string, string> = {},
  env: Record<string, string> = {},
): Promise<string> {
  const places = {
    'npm run restore --': RESTORE,
    'identity.txt': cluster.identityFile,
    '/var/backups/ppuri': cluster.url,
    '/var/lib/postgresql/restored': join(cluster.folder, into),
    '/var/log/ppuri': join(cluster.folder, 'log'),
    ...more,
  };
  const line = placed(lineOf(`docs/runbooks/${page}.md`, form), places);
  return shell(line, cluster.folder, { ...cluster.env, ...env });
}

const TRANSFERS = 'SELECT id, amount::text FROM transfers ORDER BY id';

test('rows that somebody deleted are brought back, all of them or those of one table', {
  timeout: 240_000,
}, async () => {
  await cluster.query(`INSERT INTO rooms (id, display_name, owner_user_id) VALUES ('lunch', 'lunch', 7001)`);
  await cluster.query(`INSERT INTO room_members (room_id, user_id) VALUES ('lunch', 7001), ('lunch', 7002)`);
  const members = await cluster.query('SELECT * FROM room_members ORDER BY user_id');
  const transfers = await cluster.query(TRANSFERS);
  const moment = await cluster.now();
  await cluster.query(`DELETE FROM room_members WHERE room_id = 'lunch'`);
  const undone = await bank.pay(7001, 7002);
  await cluster.archived();

  const when = { '2026-11-26T04:31:00Z': moment };
  await follow('operator-error', /identity.txt$/, 'back', when);
  assert.ok(!existsSync(join(cluster.folder, 'back')), 'the plan made the target');
  const report = await follow('operator-error', /--into \/var\/lib/, 'back', when);
  assert.match(report, /The books of ppuri are right/);
  assert.ok(report.includes(undone), 'the report does not name what was undone');
  {
    await using restored = await openRestored(join(cluster.folder, 'back'), cluster.postgres.ownerUrl);
    assert.deepEqual(await restored.query(TRANSFERS), transfers);
    assert.deepEqual(await restored.query('SELECT * FROM room_members ORDER BY user_id'), members);
  }

  const rescue = await startOwnPostgres();
  try {
    const admin = Object.assign(new URL(rescue.ownerUrl), { pathname: '/postgres' }).href;
    const rescued = Object.assign(new URL(rescue.ownerUrl), { pathname: '/rescued' }).href;
    const urls = { RESCUED_URL: rescued, OWNER_URL: cluster.postgres.ownerUrl };
    await shell(`psql "${admin}" -c 'CREATE DATABASE rescued'`, cluster.folder, {});
    const PGPASSWORD = decodeURIComponent(new URL(rescued).password);
    const bare = Object.assign(new URL(rescued), { password: '' }).href;
    const into = { 'postgres://OWNER@rescue.internal:5432/rescued': bare };
    await follow('operator-error', /--into postgres:/, '', { ...when, ...into }, { PGPASSWORD });
    await follow('operator-error', /^psql "\$RESCUED_URL"/, '', {}, urls);
  } finally {
    await rescue.stop();
  }
  assert.deepEqual(await cluster.query('SELECT * FROM room_members ORDER BY user_id'), members);
});

test('an index that is corrupt is built again', { timeout: 120_000 }, async () => {
  const line = lineOf('docs/runbooks/corrupt-page.md', /^REINDEX/);
  const url = cluster.postgres.ownerUrl;
  const make = `psql "${url}" -v ON_ERROR_STOP=1 -c 'CREATE INDEX damaged ON users (created_at)'`;
  await shell(`${make} -c '${line}' -c 'DROP INDEX damaged'`, cluster.folder, {});
});

/** Changes a byte in the middle of the first page of a table of a Postgres that is stopped. */
function flipByte(file: string): void {
  const handle = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(handle, byte, 0, 1, 8_000);
  writeSync(handle, Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, 8_000);
}

/** Shuts Postgres down as an operator does; the postmaster removes its pid file last. */
async function stopPostgres(): Promise<void> {
  const pidFile = join(cluster.postgres.cluster, 'postmaster.pid');
  process.kill(Number.parseInt(readFileSync(pidFile, 'utf8'), 10), 'SIGINT');
  await until('Postgres has stopped', () => !existsSync(pidFile), IN_TIME_MS);
}

test('a page of a table that is corrupt is named, and every payment is there after the restore', {
  timeout: 240_000,
}, async () => {
  await bank.payMany(10);
  const transfers = await cluster.query(TRANSFERS);
  const [table] = await cluster.query<{ name: string; file: string; node: string; db: string }>(
    `SELECT tableoid::regclass::text AS name, pg_relation_filepath(tableoid) AS file,
       pg_relation_filenode(tableoid)::text AS node, (SELECT oid::text FROM pg_database WHERE datname = current_database()) AS db
     FROM transfers LIMIT 1`,
  );
  // Otherwise recovery writes the page again, from a copy in WAL.
  await cluster.query('CHECKPOINT');
  await stopPostgres();
  flipByte(join(cluster.postgres.cluster, table?.file ?? ''));
  await cluster.postgres.restart();

  await assert.rejects(
    cluster.query('SELECT sum(amount) FROM transfers'),
    new RegExp(`invalid page in block 0 of relation "?${table?.file}`),
  );
  const look = lineOf('docs/runbooks/corrupt-page.md', /^pg_amcheck/);
  const url = new URL(cluster.postgres.ownerUrl);
  const login = { PGHOST: url.hostname, PGPORT: url.port, PGUSER: url.username, PGPASSWORD: url.password };
  const found = await shell(look, cluster.folder, login).then(
    () => '',
    (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
  );
  assert.match(found, new RegExp(`${table?.name}|${table?.file}`));
  const named = await cluster.query<{ name: string }>(
    `SELECT pg_filenode_relation(0, ${table?.node})::text AS name WHERE ${table?.db} = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  assert.deepEqual(named, [{ name: table?.name }]);
  const refused = await cluster.run('backup', ['--full']);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /checksum/);

  await stopPostgres();
  const report = await follow('corrupt-page', /--to latest/, 'whole');
  assert.match(report, /The books of ppuri are right/);
  await using restored = await openRestored(join(cluster.folder, 'whole'), cluster.postgres.ownerUrl);
  assert.deepEqual(await restored.query(TRANSFERS), transfers);
});

test('a site that is lost is restored from what was archived', { timeout: 240_000 }, async () => {
  rmSync(cluster.postgres.cluster, { recursive: true });
  await follow('site-lost', /identity.txt$/, 'site');
  const report = await follow('site-lost', /--into/, 'site');
  assert.match(report, /The books of ppuri are right/);
  await using restored = await openRestored(join(cluster.folder, 'site'), cluster.postgres.ownerUrl);
  assert.ok((await restored.query(TRANSFERS)).length > 20);
});
