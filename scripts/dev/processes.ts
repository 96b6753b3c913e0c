// Processes: runs commands, starts the programs of the stack, stops them, and finds those that a killed run left behind.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fchmodSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makePrivateFolder, PRIVATE_FILE } from '../../src/runtime/private-file.ts';
import { SetupError } from './program.ts';

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
async function stopStaleProcess(
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

/**
 * What names a process for good on this machine: its pid and when it was started. Undefined when no such process runs.
 * A pid alone is given again to others, soon so in a container that was restarted.
 */
export function identityOf(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const started = existsSync('/proc/self/stat') ? startedByProc(pid) : startedByPs(pid);
  return started && `${pid} ${started}`;
}

function startedByProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; field 3, the state, is the first one behind it, field 22 the start.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function startedByPs(pid: number): string | undefined {
  const { stdout } = spawnSync('ps', ['-p', String(pid), '-o', 'lstart='], { encoding: 'utf8' });
  return stdout?.trim() || undefined;
}

/** How a program is run. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
}

/** How it went; `output` is what it wrote to stdout and stderr, or why it could not be run. */
export interface RunResult {
  readonly ok: boolean;
  readonly output: string;
}

const running = new Set<ChildProcess>();

/** Ends what is being run, when this program shall end. */
export function endCommands(): void {
  for (const child of running) child.kill('SIGTERM');
}

/** Runs a program. Never rejects: a program that cannot be run is one that failed. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    child.once('close', () => running.delete(child));
    let output = '';
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', (error) => resolve({ ok: false, output: error.message }));
    child.once('close', (code) => resolve({ ok: code === 0, output: output.trim() }));
  });
}

/** The programs of a data folder, in the order in which they stop: callers before those that they call. */
const PROGRAMS: readonly {
  readonly title: string;
  readonly name: string;
  readonly signal: NodeJS.Signals;
  readonly graceMs: number;
}[] = [
  { title: 'Envoy', name: 'envoy', signal: 'SIGTERM', graceMs: 3_000 },
  { title: 'the server', name: 'server', signal: 'SIGTERM', graceMs: 3_000 },
  { title: 'the server for ops', name: 'admin', signal: 'SIGTERM', graceMs: 3_000 },
  { title: 'the worker', name: 'worker', signal: 'SIGTERM', graceMs: 3_000 },
  { title: 'Redis', name: 'redis', signal: 'SIGTERM', graceMs: 3_000 },
  // SIGINT ends its sessions and shuts down cleanly (PostgreSQL documentation, 18.5).
  { title: 'PostgreSQL', name: 'postgres', signal: 'SIGINT', graceMs: 8_000 },
];

/** Stops the programs of this data folder that a killed run left running, and logs each. */
export async function stopStaleProcesses(dataDir: string, log: (line: string) => void): Promise<void> {
  for (const { title, name, signal, graceMs } of PROGRAMS) {
    const pid = await stopStaleProcess(pidFileOf(dataDir, name), signal, graceMs);
    if (pid !== undefined) log(`Stopped ${title} (pid ${pid}) that a killed run had left behind.`);
  }
}
