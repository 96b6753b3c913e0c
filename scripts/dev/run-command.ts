// Runs a program to its end without standing in the way of what runs at the same time.
import { type ChildProcess, spawn } from 'node:child_process';

/** How a program is run. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
}

/** How it went; `output` is what it wrote to stdout and stderr, or why it could not be run. */
export interface RunResult {
  readonly ok: boolean;
  readonly output: string;
}

const running = new Set<ChildProcess>();

/** Ends what is being run, when this program shall end. */
export function endCommands(): void {
  for (const child of running) child.kill('SIGTERM');
}

/** Runs a program. Never rejects: a program that cannot be run is one that failed. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    child.once('close', () => running.delete(child));
    let output = '';
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', (error) => resolve({ ok: false, output: error.message }));
    child.once('close', (code) => resolve({ ok: code === 0, output: output.trim() }));
  });
}
