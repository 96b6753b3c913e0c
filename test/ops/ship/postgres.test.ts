// The image on a base with PostgreSQL: it archives WAL from within, follows as a standby, backs up and restores, by the files of deploy/compose.
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { seed } from '../../../scripts/dev/demo.ts';
import { findFree } from '../../../scripts/dev/ports.ts';
import { findContainers } from '../../../scripts/ops/parts/containers.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { mustRun } from '../../must-run.ts';
import { orSkip } from '../../skip.ts';
import { until } from '../../until.ts';
import { buildPostgresImage, POSTGRES } from './postgres-image.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const COMPOSE = join(ROOT, 'deploy', 'compose');
const IMAGE = 'localhost/ppuri-postgres:test';

const found = await findContainers();
const containers = 'reason' in found ? undefined : found;
const { skip } = orSkip('reason' in found ? found : { path: 'podman' }, 'Podman with what it needs');

let folder: string;
let primaryPort: number;
let standbyPort: number;
let ownerUrl: string;
const podman = (...args: readonly string[]) =>
  containers?.podman(...args) ?? Promise.reject(new Error('there are no containers'));

before(
  async () => {
    if (skip || !containers) return;
    folder = mkdtempSync(join(tmpdir(), 'ppuri-postgres-image-'));
    // A run that was killed leaves them.
    await containers.remove(['primary', 'standby']);
    [primaryPort = 0, standbyPort = 0] = await findFree(2);
    cpSync(COMPOSE, join(folder, 'compose'), { recursive: true });
    await mustRun('sh', [join(folder, 'compose', 'make-secrets.sh')]);
    // Podman mounts the folder, which is closed to others, as a whole.
    chmodSync(join(folder, 'secrets'), 0o755);
    for (const name of ['primary', 'standby', 'backups', 'restored']) {
      mkdirSync(join(folder, name));
      chownSync(join(folder, name), POSTGRES, POSTGRES);
    }
    const password = readFileSync(join(folder, 'secrets', 'owner_password'), 'utf8');
    ownerUrl = `postgres://ppuri_owner:${password}@127.0.0.1:${primaryPort}/ppuri`;
    await buildPostgresImage(containers, folder, IMAGE);
  },
  { timeout: 600_000 },
);
after(async () => {
  if (skip) return;
  await containers?.remove(['primary', 'standby']);
  rmSync(folder, { recursive: true, force: true });
});

/** How compose.yaml runs PostgreSQL, with a folder in the place of each volume. */
const confined = (data: string, port: number) => [
  ...['run', '--network', 'host', '--read-only', '--cap-drop', 'all', '--security-opt', 'no-new-privileges'],
  ...['--user', `${POSTGRES}:${POSTGRES}`, '--tmpfs', '/var/run/postgresql:mode=1777', '--shm-size', '256m'],
  ...['--env', `PGPORT=${port}`, '--env', 'BACKUP_URL=/backups'],
  ...['--volume', `${folder}/${data}:/var/lib/postgresql`, '--volume', `${folder}/backups:/backups`],
  ...['--volume', `${COMPOSE}/postgresql.conf:/etc/postgresql/postgresql.conf:ro`],
];

/** Waits for what a container brings about; a failure shows what it said. */
async function untilIn(container: string, what: string, ask: () => Promise<boolean>): Promise<void> {
  try {
    await until(what, ask, 60_000);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${await containers?.logs(container)}`);
  }
}

/** Runs a query once the server takes it, and returns its first value. */
async function ask(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ answer: unknown }>(sql);
    return rows[0]?.answer;
  } catch {
    return undefined;
  } finally {
    await client.end();
  }
}

test('it archives WAL, feeds a standby, and is restored from a backup, confined as in compose.yaml', {
  skip,
  timeout: 280_000,
}, async () => {
  const script = `${COMPOSE}/postgres-init.sh:/docker-entrypoint-initdb.d/ppuri.sh:ro`;
  const config = ['postgres', '-c', 'config_file=/etc/postgresql/postgresql.conf'];
  await podman(
    ...confined('primary', primaryPort),
    ...['--rm', '--volume', `${folder}/secrets:/run/secrets:ro`, '--volume', script],
    ...['--env', 'POSTGRES_USER=ppuri_owner', '--env', 'POSTGRES_DB=ppuri'],
    ...['--env', 'POSTGRES_PASSWORD_FILE=/run/secrets/owner_password'],
    ...['--env', 'POSTGRES_INITDB_ARGS=--auth-host=scram-sha-256 --encoding=UTF8 --locale=C'],
    ...['--entrypoint', 'docker-ensure-initdb.sh', IMAGE, ...config],
  );
  // It has no secret, neither in its environment nor in a file.
  const detached = [...confined('primary', primaryPort), '--detach', '--name', 'primary'];
  await podman(...detached, '--entrypoint', 'postgres', IMAGE, ...config.slice(1));
  const serves = async () => (await ask(ownerUrl, 'SELECT true AS answer')) === true;
  await untilIn('primary', 'the primary serves', serves);
  await migrateAndSeed();
  await podman(
    ...confined('standby', standbyPort),
    ...['--detach', '--name', 'standby', '--add-host', 'postgres:127.0.0.1'],
    ...['--env', `PRIMARY_PORT=${primaryPort}`, '--volume', `${COMPOSE}/standby.sh:/standby.sh:ro`],
    ...['--volume', `${folder}/secrets/standby_password:/run/secrets/standby_password:ro`],
    ...['--entrypoint', 'bash', IMAGE, '/standby.sh'],
  );
  const standbyUrl = ownerUrl.replace(`:${primaryPort}/`, `:${standbyPort}/`);
  const users = 'SELECT count(*)::integer AS answer FROM users';
  await untilIn('standby', 'the standby has the users', async () => (await ask(standbyUrl, users)) === 5);
  assert.equal(await ask(standbyUrl, 'SELECT pg_is_in_recovery() AS answer'), true);
  const slot = `SELECT active AS answer FROM pg_replication_slots WHERE slot_name = 'standby'`;
  assert.equal(await ask(ownerUrl, slot), true);
  await backUpAndRestore();
});

async function migrateAndSeed(): Promise<void> {
  const passwordOf = (name: string) => readFileSync(join(folder, 'secrets', `${name}_password`), 'utf8');
  const [appPassword, workerPassword, adminPassword] = [
    passwordOf('app'),
    passwordOf('worker'),
    passwordOf('admin'),
  ];
  await migrate({ ownerUrl, appPassword, workerPassword, adminPassword });
  await seed(Object.assign(new URL(ownerUrl), { username: 'ppuri_app', password: appPassword }).href);
}

async function backUpAndRestore(): Promise<void> {
  writeFileSync(join(folder, 'secrets', 'backup_url'), ownerUrl, { mode: 0o444 });
  const once = (...args: readonly string[]) =>
    podman(
      ...[...confined('primary', primaryPort), '--rm', '--volume', `${folder}/restored:/restored`],
      ...['--volume', `${folder}/secrets/backup_url:/run/secrets/backup_url:ro`],
      ...['--env', 'BACKUP_DATABASE_URL_FILE=/run/secrets/backup_url', IMAGE, ...args],
    );
  assert.match(await once('backup'), /full backup of/);
  assert.match(await once('backup', '--list'), /complete/);
  const wal = await ask(ownerUrl, 'SELECT pg_walfile_name(pg_switch_wal()) AS answer');
  const archived = 'SELECT last_archived_wal AS answer FROM pg_stat_archiver WHERE failed_count = 0';
  const isArchived = async () => String(await ask(ownerUrl, archived)) >= String(wal);
  await untilIn('primary', 'the last WAL is archived', isArchived);
  const report = JSON.parse(await once('restore', '--to', 'latest', '--into', '/restored/cluster', '--json'));
  assert.deepEqual(
    report.ledgers.map(({ faults }: { faults: unknown[] }) => faults),
    [[]],
  );
}
