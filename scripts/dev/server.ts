// Runs a server or worker process of this repository for development and tests.
import { fileURLToPath } from 'node:url';
import { pidFileOf, startProcess } from './processes.ts';
import { SetupError } from './program.ts';

/** How to run a process. */
export interface ServerOptions {
  readonly dataDir: string;
  /** The whole environment of the process. */
  readonly env: NodeJS.ProcessEnv;
  /** Gets its stdout and stderr. */
  readonly onOutput: (chunk: Buffer) => void;
  /** Distinguishes several processes of one data folder; `server` or `worker` by default. */
  readonly name?: string;
}

/** A running server or worker process. */
export interface Server {
  readonly pid: number;
  readonly ended: Promise<string>;
  /** Stops it after its calls have finished. */
  stop(): Promise<void>;
  /** Ends it at once, like a crash. */
  kill(): void;
}

const programAt = (path: string) => fileURLToPath(new URL(`../../src/${path}`, import.meta.url));
const READY_TIMEOUT_MS = 30_000;
/** Above the default of STOP_GRACE_MS, in which the server waits for its calls. */
const STOP_GRACE_MS = 10_000;
/** How much of the output a SetupError shows, in characters. */
const OUTPUT_TAIL = 4_000;

/** Starts a server process, which serves when this resolves. Throws a SetupError with its last output otherwise. */
export function startServer(options: ServerOptions): Promise<Server> {
  return startProgram(programAt('server/main.ts'), options.name ?? 'server', options);
}

/** Starts a worker process, which works when this resolves. Throws a SetupError with its last output otherwise. */
export function startWorker(options: ServerOptions): Promise<Server> {
  return startProgram(programAt('worker/main.ts'), options.name ?? 'worker', options);
}

async function startProgram(program: string, name: string, options: ServerOptions): Promise<Server> {
  const managed = await startProcess({
    name,
    command: process.execPath,
    // Calls in flight outlive a small young generation, and V8 would copy their objects again and again.
    args: ['--max-semi-space-size=64', program],
    env: options.env,
    output: 'pipe',
    pidFile: pidFileOf(options.dataDir, name),
  });
  let outputTail = '';
  for (const stream of [managed.process.stdout, managed.process.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      outputTail = (outputTail + chunk.toString()).slice(-OUTPUT_TAIL);
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
    throw new SetupError(`the ${name} ${failure}:\n${outputTail.trim()}`);
  }
  return {
    pid: managed.pid,
    ended: managed.ended,
    stop: () => managed.stop('SIGTERM', STOP_GRACE_MS),
    kill: () => managed.process.kill('SIGKILL'),
  };
}
