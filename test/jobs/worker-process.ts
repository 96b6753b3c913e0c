// Workers as processes of their own, for tests that kill them.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { forwardOutput } from '../orphan-guard.ts';
import type { TestDatabase } from '../stack.ts';

/** The worker as it is. */
export const WORKER = new URL('../../src/worker/main.ts', import.meta.url);

/** A running worker process. */
export interface WorkerProcess {
  /** Ends it as a crash would: nothing in it gets to run any more. */
  kill(): Promise<void>;
  /** Asks it to stop; its exit code. */
  stop(): Promise<number | null>;
}

/** The environment of a worker of a test, besides what the test sets. */
export function workerEnv(database: TestDatabase, redisUrl: string): Record<string, string> {
  return {
    DATABASE_URL: database.workerUrl,
    REDIS_URL: redisUrl,
    OPS_PORT: '0',
    JOB_RETRY_MS: '20',
    // What goes wrong on purpose is not worth telling.
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
  };
}

/** Starts a worker process; it works once this resolves. */
export async function startWorkerProcess(
  env: Record<string, string>,
  program = WORKER,
): Promise<WorkerProcess> {
  const child = fork(program, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  forwardOutput(child);
  await Promise.race([once(child, 'message'), failed(child)]);
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    }
    return child.exitCode;
  };
  return {
    kill: async () => {
      await end('SIGKILL');
    },
    stop: () => end('SIGTERM'),
  };
}

async function failed(child: ChildProcess): Promise<never> {
  const [code] = await once(child, 'exit');
  throw new Error(`the worker ended before it worked, with code ${code}`);
}
