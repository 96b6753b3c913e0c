// Runs Postgres on a restored folder, for as long as a restore works on it: behind a socket that nobody else can reach, with none of the cluster's own settings.
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { SetupError } from '../cli/program.ts';
import { changeOwner, commandLine, findServerBinary, findUnprivileged } from '../dev/postgres.ts';
import { type ManagedProcess, runCommand, startProcess } from '../dev/processes.ts';
import { endsWithParent } from '../ops/parts/part.ts';
import type { PgTools } from '../ops/parts/pg-tools.ts';

/** How to run it. */
export interface ScratchOptions {
  readonly tools: PgTools;
  /** The data folder. */
  readonly cluster: string;
  readonly logFile: string;
  /** The role with which the cluster was initialized. */
  readonly superuser: string;
  /** A folder with the WAL to recover from; undefined for a cluster that needs none. */
  readonly walFolder: string | undefined;
  /** Settings of recovery. */
  readonly settings: Readonly<Record<string, string>>;
}

/** A running Postgres. */
export interface ScratchPostgres extends AsyncDisposable {
  /** The folder of its socket, and its arguments for tools. */
  readonly connection: readonly string[];
  connect(database: string): Promise<pg.Client>;
  /** Resolves when it has ended, with the reason. */
  readonly ended: Promise<string>;
  /** Waits until recovery has ended and writes are taken. Throws a SetupError with the end of the log where it fails. */
  recovered(onProgress: (lsn: string) => void): Promise<void>;
  /** Shuts it down cleanly. */
  stop(): Promise<void>;
}

const PORT = '5432';
const POLL_MS = 100;
const STOP_GRACE_MS = 60_000;
/** Settings that a standby must have at least as high as the primary had ("Hot Standby Parameter Reference"). */
const AS_HIGH_AS_BEFORE = {
  max_connections: 'max_connections setting',
  max_worker_processes: 'max_worker_processes setting',
  max_wal_senders: 'max_wal_senders setting',
  max_prepared_transactions: 'max_prepared_xacts setting',
  max_locks_per_transaction: 'max_locks_per_xact setting',
} as const;

/** Starts it; recovery goes on once this resolves. */
export async function startScratchPostgres(options: ScratchOptions): Promise<ScratchPostgres> {
  const { cluster, logFile, superuser } = options;
  const how = findUnprivileged();
  const binary = await findServerBinary(options.tools.pathOf('postgres'));
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-scratch-'));
  const files = { config: join(folder, 'postgresql.conf'), hba: join(folder, 'pg_hba.conf') };
  writeFileSync(files.config, '');
  // The folder of the socket is open to its owner alone.
  writeFileSync(files.hba, 'local all all trust\n');
  mkdirSync(join(folder, 'socket'), { mode: 0o700 });
  changeOwner(how, cluster, binary);
  if (how.user) changeOwner(how, folder, binary);
  const settings = {
    ...(await settingsOf(options)),
    config_file: files.config,
    hba_file: files.hba,
    ident_file: files.config,
    unix_socket_directories: join(folder, 'socket'),
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  appendFileSync(logFile, '');
  const managed = await startProcess({
    name: 'the restored PostgreSQL',
    ...commandLine({ prefix: [...how.prefix, ...(await endsWithParent())] }, binary, [
      '-D',
      cluster,
      ...args,
    ]),
    cwd: '/',
    ...(how.user && { user: how.user }),
    env: { ...process.env, TZ: 'UTC' },
    output: { file: logFile },
    pidFile: join(folder, 'pid'),
  });
  const connect = async (database: string) => {
    const client = new pg.Client({
      host: join(folder, 'socket'),
      port: Number(PORT),
      user: superuser,
      database,
    });
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  const stop = async () => {
    await managed.stop('SIGINT', STOP_GRACE_MS);
    rmSync(folder, { recursive: true, force: true });
  };
  return {
    connection: ['-h', join(folder, 'socket'), '-p', PORT, '-U', superuser],
    connect,
    ended: managed.ended,
    recovered: (onProgress) => recovered(managed, connect, logFile, onProgress),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function settingsOf({
  tools,
  cluster,
  walFolder,
  settings,
}: ScratchOptions): Promise<Record<string, string>> {
  const control = await runCommand(tools.pathOf('pg_controldata'), [cluster], {
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (!control.ok) throw new SetupError(`pg_controldata failed: ${control.output}`);
  const before = Object.entries(AS_HIGH_AS_BEFORE).map(([name, label]) => [
    name,
    new RegExp(`^${label}:\\s+(\\d+)`, 'm').exec(control.output)?.[1] ?? '100',
  ]);
  return {
    ...Object.fromEntries(before),
    listen_addresses: '',
    port: PORT,
    shared_buffers: '256MB',
    max_wal_size: '4GB',
    hot_standby: 'on',
    // Nothing is archived from here, but Postgres notes and keeps what has to be: the restored cluster begins with it. Without
    // the history of its timeline, nobody could restore what it will archive.
    archive_mode: 'on',
    archive_command: '',
    archive_library: '',
    // What the cluster does otherwise must not happen from here: replicating, waiting for standbys, libraries.
    primary_conninfo: '',
    primary_slot_name: '',
    synchronous_standby_names: '',
    shared_preload_libraries: '',
    ssl: 'off',
    autovacuum: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    recovery_target_timeline: 'latest',
    ...(walFolder && { restore_command: restoreCommand(walFolder) }),
    ...settings,
  };
}

/** A shell runs it, and Postgres replaces what follows a percent sign: a path may have any of their characters. */
function restoreCommand(folder: string): string {
  const quoted = `'${folder.replaceAll("'", `'\\''`).replaceAll('%', '%%')}'`;
  return `cp ${quoted}/%f "%p"`;
}

async function recovered(
  managed: ManagedProcess,
  connect: (database: string) => Promise<pg.Client>,
  logFile: string,
  onProgress: (lsn: string) => void,
): Promise<void> {
  for (let client: pg.Client | undefined; ; await sleep(POLL_MS)) {
    if (!managed.isRunning()) throw new SetupError(`recovery failed: ${lastFatal(logFile)}`);
    client ??= await connect('postgres').catch(() => undefined);
    const state = await client
      ?.query<{ busy: boolean; lsn: string | null }>(
        'SELECT pg_is_in_recovery() AS busy, pg_last_wal_replay_lsn() AS lsn',
      )
      .catch(() => undefined);
    if (!state) client = undefined;
    const [row] = state?.rows ?? [];
    if (row?.lsn) onProgress(row.lsn);
    if (row?.busy !== false) continue;
    await client?.end();
    return;
  }
}

/** The last fatal message of a log of Postgres, or its last line. */
export function lastFatal(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').trim().split('\n');
  const found = lines.findLast((line) => /(?:FATAL|PANIC):/.test(line)) ?? lines.at(-1) ?? '';
  return found.replace(/^.*?(?:FATAL|PANIC):\s*/, '');
}
