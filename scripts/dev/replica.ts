// Makes a streaming replica of a running Postgres on the same machine, for development and tests, and starts it.
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

/** Where a replica lives, and of whom it is one. */
export interface ReplicaOptions extends PostgresOptions {
  /** The primary's `ownerUrl`: its owner may also stream from it. */
  readonly primaryUrl: string;
}

/** Keeps the primary's log until the replica has it; the primary's settings say how much of it at most. */
const SLOT = 'ppuri_replica';

/** What a copy of a running server leaves out: its log, which is streamed, and what belongs to the running server. */
const NOT_COPIED =
  /^(pg_wal|pg_replslot|pg_dynshmem|pg_notify|pg_serial|pg_snapshots|pg_stat_tmp|pg_subtrans)\/.|^postmaster\.|^backup_label|^postgresql\.auto\.conf$|(^|\/)pgsql_tmp|pg_internal\.init/;

/** Starts the replica. Its data folder is filled from the primary at the first start, while that goes on working. */
export async function startReplica(options: ReplicaOptions): Promise<Postgres> {
  const cluster = join(options.dataDir, 'postgres');
  if (!isThere(cluster)) await copyPrimary(options, cluster);
  // It has the primary's roles and passwords, so it is started, and asked whether it is ready, as one.
  writeSecret(join(options.dataDir, 'postgres-owner.secret'), new URL(options.primaryUrl).password);
  return startPostgres(options);
}

function isThere(folder: string): boolean {
  try {
    return readdirSync(folder).length > 0;
  } catch {
    return false;
  }
}

/** Fills the replica's place from the primary, beside it and moved there when whole. */
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

/** Makes a low-level backup (PostgreSQL's documentation, 25.3.4) of a running Postgres on this machine into a new folder. */
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

/** Copies files that change and go meanwhile: what the copy has of them is mended from the log. */
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
