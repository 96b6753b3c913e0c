// Starts servers and workers as processes of their own, for tests that stop or kill them.

import { findFree } from '../scripts/dev/ports.ts';
import { type ForkedProgram, forkProgram } from '../scripts/dev/programs.ts';
import type { TestDatabase } from './stack.ts';

const SERVER = new URL('../src/server/main.ts', import.meta.url);
/** The worker with the shorter times of tests. */
const WORKER = new URL('worker/worker-program.ts', import.meta.url);

/** The ports of a server process. */
export interface ServerPorts {
  readonly grpcPort: number;
  readonly opsPort: number;
}

/** A running server process. */
export interface ServerProcess extends ServerPorts, ForkedProgram {
  readonly address: string;
  readonly opsUrl: string;
}

/** Starts `node src/server/main.ts`, on these ports or on free ones; it serves when this resolves. */
export async function startServerProcess(
  env: Record<string, string>,
  ports?: ServerPorts,
): Promise<ServerProcess> {
  const { grpcPort, opsPort } = ports ?? (await freePorts());
  const program = await forkProgram(SERVER, {
    ...env,
    GRPC_PORT: String(grpcPort),
    OPS_PORT: String(opsPort),
  });
  return {
    ...program,
    grpcPort,
    opsPort,
    address: `127.0.0.1:${grpcPort}`,
    opsUrl: `http://127.0.0.1:${opsPort}`,
  };
}

/** Free ports for a server process. */
export async function freePorts(): Promise<ServerPorts> {
  const [grpcPort = 0, opsPort = 0] = await findFree(2);
  return { grpcPort, opsPort };
}

/** A running worker process. */
export type WorkerProcess = Pick<ForkedProgram, 'kill' | 'stop'>;

/** The environment of a worker of a test, besides what the test sets. */
export function workerEnv(database: TestDatabase, redisUrl: string): Record<string, string> {
  return {
    DATABASE_URL: database.workerUrl,
    REDIS_URL: redisUrl,
    OPS_PORT: '0',
    // What fails on purpose is not logged.
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
  };
}

/** Starts a worker process, or another program in its place; it works when this resolves. */
export function startWorkerProcess(env: Record<string, string>, program = WORKER): Promise<WorkerProcess> {
  return forkProgram(program, env);
}
