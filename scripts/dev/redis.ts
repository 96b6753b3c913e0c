// Runs a real Redis for development and tests, from the machine's own redis-server.
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { installRedis } from './install-redis.ts';
import { HOST } from './ports.ts';
import { pidFileOf, startProcess, stopStaleProcess, waitUntilReady } from './processes.ts';

/** Where a Redis lives. */
export interface RedisOptions {
  readonly dataDir: string;
  readonly logDir: string;
  readonly port: number;
  /** Told what is being done when it takes long. */
  readonly say: (line: string) => void;
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

/** Starts Redis on the data folder. Where it is missing it is installed, or a SetupError says how. */
export async function startRedis(options: RedisOptions): Promise<Redis> {
  const { port } = options;
  await installRedis(options.say);
  const folder = join(options.dataDir, 'redis');
  mkdirSync(folder, { recursive: true });
  const logFile = join(options.logDir, 'redis.log');
  // Queues outlive a restart by the append-only file. Nothing is evicted: a queue must not lose jobs to a cache.
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

/** Stops the Redis that a killed run left behind on the data folder; returns its pid if there was one. */
export function stopStaleRedis(dataDir: string): Promise<number | undefined> {
  return stopStaleProcess(pidFileOf(dataDir, 'redis'), 'SIGTERM', STOP_GRACE_MS);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port }, () => socket.write('PING\r\n'));
    socket.setTimeout(2_000, () => socket.destroy());
    // While it still reads its file it answers with -LOADING.
    socket.on('data', (data) => {
      resolve(data.toString().startsWith('+PONG'));
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}
