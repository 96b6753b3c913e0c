// A server as a process of its own, for tests that stop or kill it.
import { type ForkedProgram, forkProgram } from '../scripts/dev/fork-program.ts';
import { findFree } from '../scripts/dev/ports.ts';

const MAIN = new URL('../src/server/main.ts', import.meta.url);

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
  const program = await forkProgram(MAIN, { ...env, GRPC_PORT: String(grpcPort), OPS_PORT: String(opsPort) });
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
