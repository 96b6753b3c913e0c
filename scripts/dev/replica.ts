// Creates and starts a streaming replica of a Postgres on the same machine, for development and tests.
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { writeSecret } from './files.ts';
import { type Postgres, type PostgresOptions, startPostgres } from './postgres.ts';

/** Where a replica runs, and its primary. */
export interface ReplicaOptions extends PostgresOptions {
  /** The `ownerUrl` of the primary; the owner may also replicate. */
  readonly primaryUrl: string;
}

/** The slot keeps WAL on the primary until the replica has it, up to max_slot_wal_keep_size. */
const SLOT = 'ppuri_replica';

/** Not part of a base backup: the WAL, which is streamed, and files of the running server. */
const NOT_COPIED =
  /^(pg_wal|pg_replslot|pg_dynshmem|pg_notify|pg_serial|pg_snapshots|pg_stat_tmp|pg_subtrans)\/.|^postmaster\.|^backup_label|^postgresql\.auto\.conf$|(^|\/)pgsql_tmp|pg_internal\.init/;

/** Starts the replica. The first start copies the primary, which keeps running. */
export async function startReplica(options: ReplicaOptions): Promise<Postgres> {
  const cluster = join(options.dataDir, 'postgres');
  if (!isFilled(cluster)) await copyPrimary(options, cluster);
  // It has the roles and passwords of the primary.
  writeSecret(join(options.dataDir, 'postgres-owner.secret'), new URL(options.primaryUrl).password);
  return startPostgres(options);
}

function isFilled(folder: string): boolean {
  try {
    return readdirSync(folder).length > 0;
  } catch {
    return false;
  }
}

/** Copies the primary into a draft folder and renames it when it is complete. */
async function copyPrimary({ primaryUrl }: ReplicaOptions, cluster: string): Promise<void> {
  const draft = `${cluster}.draft`;
  rmSync(draft, { recursive: true, force: true });
  const client = new pg.Client({ connectionString: primaryUrl });
  await client.connect();
  await client
    .query(
      `SELECT pg_create_physical_replication_slot($1, immediately_reserve => true)
       WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)`,
      [SLOT],
    )
    .finally(() => client.end());
  await backUp(primaryUrl, draft);
  writeFileSync(join(draft, 'standby.signal'), '');
  const conninfo = primaryUrl.replaceAll("'", "''");
  appendFileSync(
    join(draft, 'postgresql.auto.conf'),
    `primary_conninfo = '${conninfo}'\nprimary_slot_name = '${SLOT}'\n`,
    { mode: 0o600 },
  );
  renameSync(draft, cluster);
}

/** Makes a low-level base backup (PostgreSQL documentation, 25.3.4) of a Postgres on this machine into a new folder. */
export async function backUp(ownerUrl: string, folder: string): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
    await client.query(`SELECT pg_backup_start('ppuri', fast => true)`);
    copyRunning(rows[0]?.data_directory ?? '', folder);
    const stopped = await client.query<{ labelfile: string }>(
      'SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)',
    );
    writeFileSync(join(folder, 'backup_label'), stopped.rows[0]?.labelfile ?? '');
  } finally {
    await client.end();
  }
}

/** Copies files while they change; the WAL repairs what was copied. */
function copyRunning(from: string, to: string, path = ''): void {
  mkdirSync(join(to, path), { mode: 0o700 });
  for (const entry of readdirSync(join(from, path), { withFileTypes: true })) {
    const inner = path === '' ? entry.name : `${path}/${entry.name}`;
    if (NOT_COPIED.test(inner)) continue;
    if (entry.isDirectory()) copyRunning(from, to, inner);
    else copyUnlessGone(join(from, inner), join(to, inner));
  }
}

function copyUnlessGone(from: string, to: string): void {
  try {
    copyFileSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
