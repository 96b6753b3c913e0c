// Forks a program of this repository and waits until it reports over IPC that it is ready; for the bench and the tests.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A running program. */
export interface ForkedProgram {
  readonly pid: number;
  /** Its first IPC message, by which it said that it is ready. */
  readonly firstMessage: unknown;
  /** Resolves with the exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  signal(name: NodeJS.Signals): void;
  /** Ends it like a crash, and resolves when it is gone. */
  kill(): Promise<void>;
  /** Asks it to stop, and resolves with its exit code when it is gone. */
  stop(): Promise<number | null>;
}

/**
 * Starts a program and resolves with its first IPC message. Its environment is this one with `env` on top, its output
 * goes to this process's stderr. Rejects when it ends before it is ready.
 */
export async function forkProgram(
  program: URL,
  env: Readonly<Record<string, string>>,
  execArgv: readonly string[] = process.execArgv,
): Promise<ForkedProgram> {
  const child = fork(program, {
    env: { ...process.env, ...env },
    execArgv: [...execArgv],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  forwardOutput(child);
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const failed = ended.then((code): never => {
    throw new Error(`${program.pathname} ended before it was ready, with code ${code}`);
  });
  const [firstMessage] = await Promise.race([once(child, 'message'), failed]);
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return ended;
  };
  return {
    pid: child.pid ?? 0,
    firstMessage,
    ended,
    signal: (name) => void child.kill(name),
    kill: async () => {
      await end('SIGKILL');
    },
    stop: () => end('SIGTERM'),
  };
}

/** Writes what a child prints to stderr. A child that inherited a test file's pipes would keep the test runner waiting. */
export function forwardOutput(child: ChildProcess): void {
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => process.stderr.write(text));
}
