// A server as a process of its own, for tests that stop or kill it.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { findFree } from '../scripts/dev/ports.ts';
import { forwardOutput } from './orphan-guard.ts';

const MAIN = new URL('../src/server/main.ts', import.meta.url);

/** Where a server process listens. */
export interface ServerPorts {
  readonly grpcPort: number;
  readonly opsPort: number;
}

/** A running server process. */
export interface ServerProcess extends ServerPorts {
  readonly pid: number;
  readonly address: string;
  readonly opsUrl: string;
  /** Resolves with its exit code once it has ended; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  signal(name: NodeJS.Signals): void;
  /** Ends it as a crash would: nothing in it gets to run any more. */
  kill(): Promise<void>;
  /** Asks it to stop; its exit code. */
  stop(): Promise<number | null>;
}

/** Starts `node src/server/main.ts`, on these ports or on free ones; it serves once this resolves. */
export async function startServerProcess(
  env: Record<string, string>,
  ports?: ServerPorts,
): Promise<ServerProcess> {
  const { grpcPort, opsPort } = ports ?? (await freePorts());
  const child = fork(MAIN, {
    env: { ...process.env, ...env, GRPC_PORT: String(grpcPort), OPS_PORT: String(opsPort) },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  forwardOutput(child);
  await Promise.race([once(child, 'message'), failed(child)]);
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return ended;
  };
  return {
    pid: child.pid ?? 0,
    grpcPort,
    opsPort,
    address: `127.0.0.1:${grpcPort}`,
    opsUrl: `http://127.0.0.1:${opsPort}`,
    ended,
    signal: (name) => void child.kill(name),
    kill: async () => {
      await end('SIGKILL');
    },
    stop: () => end('SIGTERM'),
  };
}

/** Ports for a server process. */
export async function freePorts(): Promise<ServerPorts> {
  const [grpcPort = 0, opsPort = 0] = await findFree(2);
  return { grpcPort, opsPort };
}

async function failed(child: ChildProcess): Promise<never> {
  const [code] = await once(child, 'exit');
  throw new Error(`the server ended before it served, with code ${code}`);
}
