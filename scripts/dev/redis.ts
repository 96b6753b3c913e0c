// Runs a real Redis for development and tests, from the machine's own redis-server.
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { SetupError } from '../cli/program.ts';
import { debianPackages } from './install.ts';
import { HOST } from './ports.ts';
import { pidFileOf, startProcess, waitUntilReady } from './processes.ts';

/** Where a Redis runs. */
export interface RedisOptions {
  readonly dataDir: string;
  readonly logDir: string;
  readonly port: number;
  /** Gets a line before a step that takes long. */
  readonly log: (line: string) => void;
}

/** A running Redis. */
export interface Redis {
  readonly url: string;
  readonly pid: number;
  readonly ended: Promise<string>;
  stop(): Promise<void>;
  /** Ends it at once. */
  kill(): void;
}

const READY_TIMEOUT_MS = 20_000;
const STOP_GRACE_MS = 3_000;

/** Starts Redis on the data folder. Installs redis-server if it is missing, or throws a SetupError that says how. */
export async function startRedis(options: RedisOptions): Promise<Redis> {
  const { port } = options;
  await installRedis(options.log);
  const folder = join(options.dataDir, 'redis');
  mkdirSync(folder, { recursive: true });
  const logFile = join(options.logDir, 'redis.log');
  // The append-only file keeps queues over a restart; without eviction a cache cannot push jobs out.
  const settings = {
    bind: HOST,
    port: String(port),
    dir: folder,
    appendonly: 'yes',
    save: '',
    'maxmemory-policy': 'noeviction',
    daemonize: 'no',
  };
  const managed = await startProcess({
    name: 'Redis',
    command: 'redis-server',
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    output: { file: logFile },
    pidFile: pidFileOf(options.dataDir, 'redis'),
  });
  await waitUntilReady(managed, () => answers(port), READY_TIMEOUT_MS, logFile);
  return {
    url: `redis://${HOST}:${port}`,
    pid: managed.pid,
    ended: managed.ended,
    stop: () => managed.stop('SIGTERM', STOP_GRACE_MS),
    kill: () => managed.process.kill('SIGKILL'),
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port }, () => socket.write('PING\r\n'));
    socket.setTimeout(2_000, () => socket.destroy());
    // While it loads its file it answers with -LOADING.
    socket.on('data', (data) => {
      resolve(data.toString().startsWith('+PONG'));
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}

/** Installs redis-server unless it is on PATH. Throws a SetupError that says what to do when it cannot. */
async function installRedis(log: (line: string) => void): Promise<void> {
  const found = await debianPackages(['redis-server'], ['redis-server'], log);
  if ('reason' in found)
    throw new SetupError(`redis-server is missing: ${found.reason}; macOS: brew install redis`);
}
