// A program of this repository under load, as a process of its own.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

/** A running program. */
export interface Child {
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts a program of this repository; it is ready once this resolves. */
export async function startChild(program: string, env: Record<string, string>): Promise<Child> {
  const child = fork(resolve(import.meta.dirname, '../..', program), {
    env: { ...process.env, ...env },
    // As in production, and the same for the echo: both have room for the calls that are under way.
    execArgv: ['--max-semi-space-size=64'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  await Promise.race([
    once(child, 'message'),
    ended.then(() => Promise.reject(new Error(`${program} ended before it was ready`))),
  ]);
  return {
    pid: child.pid ?? 0,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await ended;
    },
  };
}
