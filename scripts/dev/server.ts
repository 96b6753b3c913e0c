// Runs a server or worker process of this repository for development and tests.
import { fileURLToPath } from 'node:url';
import { pidFileOf, startProcess } from './processes.ts';
import { SetupError } from './program.ts';

/** How such a process is run. */
export interface ServerOptions {
  readonly dataDir: string;
  /** The whole environment of the process. */
  readonly env: NodeJS.ProcessEnv;
  /** Gets what it writes to stdout and stderr. */
  readonly onOutput: (chunk: Buffer) => void;
  /** Tells several of one data folder apart; `server` or `worker` when left out. */
  readonly name?: string;
}

/** A server process that serves, or a worker process that works. */
export interface Server {
  readonly pid: number;
  readonly ended: Promise<string>;
  /** Lets the calls under way finish. */
  stop(): Promise<void>;
  /** Ends it at once, as a crash would. */
  kill(): void;
}

const programAt = (path: string) => fileURLToPath(new URL(`../../src/${path}`, import.meta.url));
const READY_TIMEOUT_MS = 30_000;
/** Above the default of STOP_GRACE_MS, so that the server is not killed while it still gives calls their time. */
const STOP_GRACE_MS = 10_000;
const LAST_WORDS = 4_000;

/** Starts a server process; it serves once this resolves. Throws a SetupError with its last words if it does not. */
export function startServer(options: ServerOptions): Promise<Server> {
  return startProgram(programAt('server/main.ts'), options.name ?? 'server', options);
}

/** Starts a worker process; it works once this resolves. Throws a SetupError with its last words if it does not. */
export function startWorker(options: ServerOptions): Promise<Server> {
  return startProgram(programAt('worker/main.ts'), options.name ?? 'worker', options);
}

async function startProgram(program: string, name: string, options: ServerOptions): Promise<Server> {
  const managed = await startProcess({
    name,
    command: process.execPath,
    // Calls under way outlive a small young generation, and V8 would copy what belongs to them again and again.
    args: ['--max-semi-space-size=64', program],
    env: options.env,
    output: 'pipe',
    pidFile: pidFileOf(options.dataDir, name),
  });
  let lastWords = '';
  for (const stream of [managed.process.stdout, managed.process.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      lastWords = (lastWords + chunk.toString()).slice(-LAST_WORDS);
      options.onOutput(chunk);
    });
  }
  let timer: NodeJS.Timeout | undefined;
  const failure = await Promise.race([
    new Promise<undefined>((resolve) => {
      managed.process.on('message', (message) => {
        if (message === 'ready') resolve(undefined);
      });
    }),
    managed.ended.then((how) => `ended while starting (${how})`),
    new Promise<string>((resolve) => {
      timer = setTimeout(resolve, READY_TIMEOUT_MS, `was not ready within ${READY_TIMEOUT_MS / 1000} s`);
    }),
  ]);
  clearTimeout(timer);
  if (failure) {
    await managed.stop('SIGKILL', 0);
    throw new SetupError(`the ${name} ${failure}:\n${lastWords.trim()}`);
  }
  return {
    pid: managed.pid,
    ended: managed.ended,
    stop: () => managed.stop('SIGTERM', STOP_GRACE_MS),
    kill: () => managed.process.kill('SIGKILL'),
  };
}
