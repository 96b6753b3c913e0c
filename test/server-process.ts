// A server as a process of its own, for tests that kill it.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { findFree } from '../scripts/dev/ports.ts';

const MAIN = new URL('../src/main.ts', import.meta.url);

/** A running server process. */
export interface ServerProcess {
  readonly grpcPort: number;
  readonly address: string;
  /** Ends it as a crash would: nothing in it gets to run any more. */
  kill(): Promise<void>;
  /** Asks it to stop; its exit code. */
  stop(): Promise<number | null>;
}

/** Starts `node src/main.ts`; it serves once this resolves. */
export async function startServerProcess(env: Record<string, string>): Promise<ServerProcess> {
  const [grpcPort = 0, opsPort = 0] = await findFree(2);
  const child = fork(MAIN, {
    env: { ...process.env, ...env, GRPC_PORT: String(grpcPort), OPS_PORT: String(opsPort) },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
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
    grpcPort,
    address: `127.0.0.1:${grpcPort}`,
    kill: async () => {
      await end('SIGKILL');
    },
    stop: () => end('SIGTERM'),
  };
}

async function failed(child: ChildProcess): Promise<never> {
  const [code] = await once(child, 'exit');
  throw new Error(`the server ended before it served, with code ${code}`);
}
