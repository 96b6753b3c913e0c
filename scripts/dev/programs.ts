// Runs the programs of this repository: started and restarted for `npm start`, forked for the bench and the tests.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SetupError } from '../cli/program.ts';
import { pidFileOf, startProcess } from './processes.ts';

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

/** A program that can be started again. */
export interface Runnable {
  /** Resolves when it has ended, with the reason as text. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
  kill(): void;
}

/** A program that is kept running until it is stopped. */
export interface Supervised<T extends Runnable> {
  /** The first run; later ones listen on the same ports. */
  readonly first: T;
  stop(): Promise<void>;
  kill(): void;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** After this time of running, the next pause is short again. */
const RECOVERED_MS = 30_000;

/** Starts the program, and restarts it after growing pauses. Rejects when the first start fails. */
export async function supervise<T extends Runnable>(
  name: string,
  start: () => Promise<T>,
  log: (line: string) => void,
): Promise<Supervised<T>> {
  const first = await start();
  const stopped = new AbortController();
  let current: T | undefined = first;

  const watch = async () => {
    let pauseMs = FIRST_PAUSE_MS;
    let reason = '';
    while (!stopped.signal.aborted) {
      if (current) {
        const since = Date.now();
        reason = await current.ended;
        current = undefined;
        if (Date.now() - since > RECOVERED_MS) pauseMs = FIRST_PAUSE_MS;
      }
      if (stopped.signal.aborted) return;
      log(`${name} is gone (${reason}); starting it again in ${pauseMs / 1000} s`);
      await sleep(pauseMs, undefined, { signal: stopped.signal }).catch(() => {});
      if (stopped.signal.aborted) return;
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      current = await start().catch((error: Error) => {
        reason = error.message;
        return undefined;
      });
      if (current) log(`${name} is back`);
    }
  };
  const watching = watch();

  return {
    first,
    stop: async () => {
      stopped.abort();
      await current?.stop();
      await watching;
      // A restart may have been under way.
      await current?.stop();
    },
    kill: () => current?.kill(),
  };
}

/** A running program. */
export interface ForkedProgram {
  readonly pid: number;
  /** Its first IPC message, by which it said that it is ready. */
  readonly firstMessage: unknown;
  /** Resolves with the exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  signal(name: NodeJS.Signals): void;
  /** Ends it like a crash, and resolves when it is gone. */
  kill(): Promise<void>;
  /** Asks it to stop, and resolves with its exit code when it is gone. */
  stop(): Promise<number | null>;
}

/**
 * Starts a program and resolves with its first IPC message. Its environment is this one with `env` on top, its output
 * goes to this process's stderr. Rejects when it ends before it is ready.
 */
export async function forkProgram(
  program: URL,
  env: Readonly<Record<string, string>>,
  execArgv: readonly string[] = [],
): Promise<ForkedProgram> {
  const child = fork(program, {
    env: { ...process.env, ...env },
    execArgv: [...execArgv],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  forwardOutput(child);
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const failed = ended.then((code): never => {
    throw new Error(`${program.pathname} ended before it was ready, with code ${code}`);
  });
  const [firstMessage] = await Promise.race([once(child, 'message'), failed]);
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return ended;
  };
  return {
    pid: child.pid ?? 0,
    firstMessage,
    ended,
    signal: (name) => void child.kill(name),
    kill: async () => {
      await end('SIGKILL');
    },
    stop: () => end('SIGTERM'),
  };
}

/** Writes what a child prints to stderr. A child that inherited a test file's pipes would keep the test runner waiting. */
function forwardOutput(child: ChildProcess): void {
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => process.stderr.write(text));
}
