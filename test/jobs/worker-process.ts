// Workers as processes of their own, for tests that kill them.
import { type ForkedProgram, forkProgram } from '../../scripts/dev/fork-program.ts';
import type { TestDatabase } from '../stack.ts';

/** The worker, told to try failed jobs again soon. */
export const WORKER = new URL('worker-program.ts', import.meta.url);

/** A running worker process. */
export type WorkerProcess = Pick<ForkedProgram, 'kill' | 'stop'>;

/** The environment of a worker of a test, besides what the test sets. */
export function workerEnv(database: TestDatabase, redisUrl: string): Record<string, string> {
  return {
    DATABASE_URL: database.workerUrl,
    REDIS_URL: redisUrl,
    OPS_PORT: '0',
    // What goes wrong on purpose is not worth telling.
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
  };
}

/** Starts a worker process; it works when this resolves. */
export function startWorkerProcess(env: Record<string, string>, program = WORKER): Promise<WorkerProcess> {
  return forkProgram(program, env);
}
