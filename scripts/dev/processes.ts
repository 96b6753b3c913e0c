// Starts the programs of the stack as processes of their own, stops them, and finds those that a killed run left behind.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fchmodSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makePrivateFolder, PRIVATE_FILE } from '../../src/runtime/private-file.ts';
import { identityOf } from './process-identity.ts';
import { SetupError } from './setup-error.ts';

/** How a process is started. */
export interface ProcessOptions {
  /** What people call it, for messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Run as another user; only root may. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Where what it says goes; `pipe` leaves stdout and stderr to the caller, and opens an IPC channel. */
  readonly output: { readonly file: string } | 'pipe';
  /** Where it is written down for the next run to find. */
  readonly pidFile: string;
}

/** A process that was started. */
export interface ManagedProcess {
  readonly name: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** Resolves when it has ended, with a few words about how. */
  readonly ended: Promise<string>;
  isRunning(): boolean;
  /** Asks it to end, and ends it by force when it takes too long. Resolves when it is gone. */
  stop(signal: NodeJS.Signals, graceMs: number): Promise<void>;
}

const POLL_MS = 20;
const started = new Set<ChildProcess>();

/** Ends at once whatever this program has started and still runs: nothing may outlive it. */
export function killProcesses(): void {
  for (const child of started) child.kill('SIGKILL');
}

/**
 * Starts a process. It gets a process group of its own, so that Ctrl-C in the terminal does not reach it: the programs
 * have to stop one after the other. Throws a SetupError when the program cannot be run.
 */
export async function startProcess(options: ProcessOptions): Promise<ManagedProcess> {
  const { name, output, pidFile } = options;
  const log = output === 'pipe' ? undefined : openLog(output.file);
  const child = spawn(options.command, options.args, {
    detached: true,
    stdio: log === undefined ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', log, log],
    env: options.env ?? process.env,
    ...(options.cwd && { cwd: options.cwd }),
    ...options.user,
  });
  if (log !== undefined) closeSync(log);
  let running = true;
  started.add(child);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ? `killed by ${signal}` : `exit code ${code}`));
  }).then((how) => {
    running = false;
    started.delete(child);
    rmSync(pidFile, { force: true });
    return how;
  });
  const { pid } = child;
  if (pid === undefined) throw new SetupError(`${name} cannot be started: ${await ended}`);
  mkdirSync(dirname(pidFile), { recursive: true });
  writeFileSync(pidFile, identityOf(pid) ?? '');
  const stop = async (signal: NodeJS.Signals, graceMs: number) => {
    if (running) child.kill(signal);
    await Promise.race([ended, sleep(graceMs, undefined, { ref: false })]);
    if (running) child.kill('SIGKILL');
    await ended;
  };
  return { name, pid, process: child, ended, isRunning: () => running, stop };
}

function openLog(file: string): number {
  makePrivateFolder(dirname(file));
  const log = openSync(file, 'a', PRIVATE_FILE);
  fchmodSync(log, PRIVATE_FILE);
  return log;
}

/** Waits until `isReady` says so. Throws a SetupError when it ends instead or takes too long. */
export async function waitUntilReady(
  managed: ManagedProcess,
  isReady: () => Promise<boolean>,
  timeoutMs: number,
  seeAlso: string,
): Promise<void> {
  const giveUpAt = Date.now() + timeoutMs;
  while (!(await isReady())) {
    if (!managed.isRunning()) {
      throw new SetupError(`${managed.name} ended while starting (${await managed.ended}); see ${seeAlso}`);
    }
    if (Date.now() > giveUpAt) {
      await managed.stop('SIGKILL', 0);
      throw new SetupError(`${managed.name} was not ready within ${timeoutMs / 1000} s; see ${seeAlso}`);
    }
    await sleep(POLL_MS);
  }
}

/** Where the pid file of a program is in a data folder. */
export function pidFileOf(dataDir: string, name: string): string {
  return join(dataDir, 'run', `${name}.pid`);
}

/** The process that a pid file names, while it still is that process. */
export function readPidFile(pidFile: string): number | undefined {
  const identity = readText(pidFile);
  const pid = Number.parseInt(identity, 10);
  return identity && identityOf(pid) === identity ? pid : undefined;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Ends the process that a pid file names, if it is still there; returns its pid then. */
export async function stopStaleProcess(
  pidFile: string,
  signal: NodeJS.Signals,
  graceMs: number,
): Promise<number | undefined> {
  const pid = readPidFile(pidFile);
  if (pid !== undefined) await endProcess(pid, signal, graceMs);
  rmSync(pidFile, { force: true });
  return pid;
}

/** Ends a process that this one did not start, and waits until it is gone. */
export async function endProcess(pid: number, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  const identity = identityOf(pid);
  const killAt = Date.now() + graceMs;
  let next: NodeJS.Signals | undefined = signal;
  while (identity !== undefined && identityOf(pid) === identity) {
    if (next) process.kill(pid, next);
    await sleep(POLL_MS);
    next = Date.now() > killAt ? 'SIGKILL' : undefined;
  }
}
