// A cluster of a test file's own that archives its WAL, with a ledger that moves money, and the commands that back it up and restore it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import pg from 'pg';
import { commandLine, type Unprivileged } from '../../../scripts/dev/postgres.ts';
import { type OwnPostgres, startOwnPostgres } from '../../db/own-postgres.ts';
import { until } from '../../until.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const IN_TIME_MS = 60_000;

/** A result of a command. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The cluster, its storage and its keys. */
export interface RecoveryCluster extends AsyncDisposable {
  readonly postgres: OwnPostgres;
  /** A folder for everything that the test makes. */
  readonly folder: string;
  /** Where its backups go. */
  readonly url: string;
  readonly identityFile: string;
  /** The variables of its backups. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs `npm run backup` or `npm run restore` with these arguments. */
  run(program: 'backup' | 'restore', args: readonly string[], env?: Record<string, string>): Promise<Ran>;
  /** Runs it and expects it to succeed; its stdout. */
  must(program: 'backup' | 'restore', args: readonly string[]): Promise<string>;
  query<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** The database's clock, in microseconds as text. */
  now(): Promise<string>;
  /** Ends the present segment of WAL and waits until it is archived. */
  archived(): Promise<void>;
}

/** What differs from a folder and encryption. */
export interface RecoveryClusterOptions {
  /** Where backups go; a folder of its own where it is left out. */
  readonly url?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly isEncrypted?: boolean;
  /** Settings of its Postgres. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Starts it, with an empty ledger. */
export async function startRecoveryCluster(options: RecoveryClusterOptions = {}): Promise<RecoveryCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'ppuri-recovery-'));
  // Postgres may run as another user.
  chmodSync(folder, 0o777);
  const identity = await generateIdentity();
  const identityFile = join(folder, 'identity.txt');
  writeFileSync(identityFile, `# private key of a test\n${identity}\n`, { mode: 0o600 });
  const url = options.url ?? join(folder, 'backups');
  const variables = {
    BACKUP_URL: url,
    BACKUP_RECIPIENTS: options.isEncrypted === false ? '' : await identityToRecipient(identity),
    ...options.env,
  };
  const envFile = join(folder, 'backup.env');
  writeFileSync(
    envFile,
    Object.entries(variables)
      .map(([name, value]) => `${name}="${value}"\n`)
      .join(''),
  );
  const postgres = await startOwnPostgres({
    archive_mode: 'on',
    archive_command: `${process.execPath} --env-file=${envFile} ${join(ROOT, 'scripts/archive-wal.ts')} %p`,
    summarize_wal: 'on',
    ...options.settings,
  });
  const env = { ...variables, BACKUP_DATABASE_URL: postgres.ownerUrl, BACKUP_IDENTITY_FILE: identityFile };
  const pool = new pg.Pool({ connectionString: postgres.ownerUrl, max: 4 });
  pool.on('error', () => {});
  const query = async <Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []) =>
    (await pool.query<Row>(sql, values)).rows;
  const run = (program: string, args: readonly string[], more: Record<string, string> = {}) =>
    runScript(program, args, { ...env, ...more });
  return {
    postgres,
    folder,
    url,
    identityFile,
    env,
    run,
    must: async (program, args) => {
      const { code, stdout, stderr } = await run(program, args);
      if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${stderr}`);
      return stdout;
    },
    query,
    now: async () =>
      (
        await query<{ now: string }>(
          `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS now`,
        )
      )[0]?.now ?? '',
    archived: async () => {
      const [last] = await query<{ file: string }>('SELECT pg_walfile_name(pg_switch_wal()) AS file');
      const isArchived = async () =>
        (
          await query<{ done: boolean }>('SELECT last_archived_wal >= $1 AS done FROM pg_stat_archiver', [
            last?.file,
          ])
        )[0]?.done === true;
      await until('the WAL is archived', isArchived, IN_TIME_MS);
    },
    [Symbol.asyncDispose]: async () => {
      await pool.end();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Runs a command of this repository as a process. */
export async function runScript(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  how: Unprivileged = { prefix: [], user: undefined },
): Promise<Ran> {
  const script = join(ROOT, 'scripts', `${program}.ts`);
  const { command, args: words } = commandLine(how, process.execPath, [script, ...args]);
  const child = spawn(command, words, {
    ...how.user,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}
