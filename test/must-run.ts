// Commands whose failure is a test's.
import { dirname } from 'node:path';
import { runCommand } from '../scripts/dev/processes.ts';

/** Runs a command and returns what it wrote to stdout; throws with its stdout and stderr when it fails. */
export async function mustRun(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const path = `${dirname(process.execPath)}:${process.env.PATH}`;
  const { ok, stdout, output } = await runCommand(command, args, {
    ...options,
    env: { ...(options.env ?? process.env), PATH: options.env?.PATH ?? path },
  });
  if (!ok) throw new Error(`${[command, ...args].join(' ')} failed:\n${output.slice(-6000)}`);
  return stdout;
}
