// The ports of the stack: defaults, the environment's, and free ones for tests.
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { SetupError } from './program.ts';

/** The address of everything in development, which other machines cannot reach. */
export const HOST = '127.0.0.1';

const PORTS = {
  rest: { variable: 'REST_PORT', fallback: 8080 },
  grpc: { variable: 'GRPC_PORT', fallback: 50051 },
  grpcEdge: { variable: 'GRPC_EDGE_PORT', fallback: 8081 },
  adminGrpc: { variable: 'ADMIN_GRPC_PORT', fallback: 50052 },
  ops: { variable: 'OPS_PORT', fallback: 9464 },
  workerOps: { variable: 'WORKER_OPS_PORT', fallback: 9465 },
  adminOps: { variable: 'ADMIN_OPS_PORT', fallback: 9466 },
  envoyAdmin: { variable: 'ENVOY_ADMIN_PORT', fallback: 9901 },
  postgres: { variable: 'POSTGRES_PORT', fallback: 54329 },
  redis: { variable: 'REDIS_PORT', fallback: 63799 },
} as const;

/** A program that listens. */
export type PortName = keyof typeof PORTS;
/** The port of each program. */
export type Ports = Readonly<Record<PortName, number>>;

const NAMES = Object.keys(PORTS) as PortName[];
/** Below the ports that Linux and macOS use for outgoing connections, which could take a port that was free. */
const FREE_FROM = 20_000;
const FREE_TO = 32_000;

function portsBy(portOf: (name: PortName) => number): Ports {
  return Object.fromEntries(NAMES.map((name) => [name, portOf(name)])) as Record<PortName, number>;
}

/** The ports of the environment, or the defaults. Throws a SetupError when one is invalid or used twice. */
export function readPorts(env: NodeJS.ProcessEnv): Ports {
  const taken = new Map<number, string>();
  return portsBy((name) => {
    const { variable, fallback } = PORTS[name];
    const text = env[variable] || String(fallback);
    const port = Number(text);
    if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) {
      throw new SetupError(`${variable} must be a port from 1 to 65535, not "${text}"`);
    }
    const other = taken.get(port);
    if (other)
      throw new SetupError(`${other} and ${variable} are both ${port}; give one of them another port`);
    taken.set(port, variable);
    return port;
  });
}

/** Throws a SetupError that names the variable of the first port that is taken. */
export async function requireFreePorts(ports: Ports): Promise<void> {
  const free = await Promise.all(NAMES.map((name) => isFree(ports[name])));
  const name = NAMES[free.indexOf(false)];
  if (!name) return;
  throw new SetupError(
    `port ${ports[name]} on ${HOST} is taken by another program; set ${PORTS[name].variable} to a free one`,
  );
}

/** A free port for each program, for tests that run beside others. */
export async function findFreePorts(): Promise<Ports> {
  const found = await findFree(NAMES.length);
  return portsBy((name) => found[NAMES.indexOf(name)] as number);
}

/** Different free ports. */
export async function findFree(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = randomInt(FREE_FROM, FREE_TO);
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: HOST, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
