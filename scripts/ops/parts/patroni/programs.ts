// Finds or installs what a cluster under Patroni consists of: Patroni, etcd, and one folder with all programs of PostgreSQL.
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debianPackages, type FoundProgram, findProgram } from '../../../dev/install.ts';
import { findServerBinary } from '../../../dev/postgres.ts';
import { runCommand } from '../../../dev/processes.ts';
import { findPgTools } from '../pg-tools.ts';

/** The programs of a cluster. */
export interface PatroniPrograms {
  /** The commands as words: an environment's own scripts name the folder in which pip made them. */
  readonly patroni: readonly string[];
  readonly patronictl: readonly string[];
  readonly etcd: string;
  /** The value of PYTHONPATH for both programs of Patroni. */
  readonly pythonPath: string;
}

type Log = (line: string) => void;

const VERSION = '4.1.5';
const CACHE = fileURLToPath(new URL('../../../../.cache', import.meta.url));
/** What Patroni's driver for etcd imports, of Debian's python3-etcd. PyPI has no wheel of it. */
const ETCD_MODULE = '/usr/lib/python3/dist-packages/etcd';
const TOOLS = ['pg_basebackup', 'pg_controldata', 'pg_isready', 'pg_rewind', 'pg_waldump', 'psql'] as const;

/** Finds or installs Patroni, or says in one line why it cannot be had. `log` gets a line before an installation. */
export async function findPatroni(
  log: Log = console.error,
): Promise<PatroniPrograms | { readonly reason: string }> {
  const python: FoundProgram = await findProgram(
    {
      folder: join(CACHE, `patroni-${VERSION}`),
      requirements: fileURLToPath(new URL('requirements.txt', import.meta.url)),
      program: 'bin/python3',
      title: `Patroni ${VERSION}`,
    },
    log,
  );
  if ('reason' in python) return python;
  const etcd = await debianPackages(['etcd-server', 'etcd-client'], ['etcd', 'etcdctl'], log);
  if ('reason' in etcd) return etcd;
  if (!existsSync(ETCD_MODULE)) {
    const module = await debianPackages(['python3-etcd'], [], log);
    if ('reason' in module) return module;
  }
  return {
    patroni: [python.path, '-m', 'patroni'],
    patronictl: [python.path, '-c', 'from patroni.ctl import ctl; ctl(prog_name="patronictl")'],
    etcd: etcd.paths[0] ?? 'etcd',
    pythonPath: linkModule(dirname(dirname(python.path))),
  };
}

/** A folder with this one module: the rest of Debian's packages are not for Patroni's Python. */
function linkModule(environment: string): string {
  const folder = join(environment, 'etcd-module');
  mkdirSync(folder, { recursive: true });
  link(ETCD_MODULE, join(folder, basename(ETCD_MODULE)));
  return folder;
}

/** Makes a folder with links to the programs of PostgreSQL, as Patroni's bin_dir takes it. */
export async function linkPostgres(folder: string, log: Log): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const server = dirname(await findServerBinary());
  const tools = await findPgTools(log);
  for (const name of ['initdb', 'pg_ctl', 'postgres']) link(join(server, name), join(folder, name));
  for (const name of TOOLS) link(tools.pathOf(name), join(folder, name));
}

/** Makes `patronictl` there, for operators. */
export function linkPatronictl(folder: string, { patronictl }: PatroniPrograms): void {
  const words = patronictl.map((word) => `'${word}'`).join(' ');
  writeFileSync(join(folder, 'patronictl'), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
}

function link(target: string, path: string): void {
  rmSync(path, { force: true });
  symlinkSync(target, path);
}

/** Whether this process may cut networks and mount file systems. */
export async function hasRootPowers(): Promise<boolean> {
  return process.getuid?.() === 0 && (await runCommand('unshare', ['--net', '--mount', 'true'])).ok;
}
