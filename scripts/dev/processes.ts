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
import { SetupError } from '../cli/program.ts';

/** How to start a process. */
export interface ProcessOptions {
  /** The name in messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Another user to run as; only root can. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** A log file; or `pipe`, which leaves stdout and stderr to the caller and opens an IPC channel. */
  readonly output: { readonly file: string } | 'pipe';
  /** Holds its identity, so that the next run can find the process. */
  readonly pidFile: string;
}

/** A running process. */
export interface ManagedProcess {
  readonly name: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** Resolves when it has ended, with the reason as text. */
  readonly ended: Promise<string>;
  isRunning(): boolean;
  /** Sends the signal, and SIGKILL when it has not ended in time. Resolves when it is gone. */
  stop(signal: NodeJS.Signals, graceMs: number): Promise<void>;
}

const POLL_MS = 20;
const started = new Set<ChildProcess>();

/** Kills all processes that this program has started. */
export function killProcesses(): void {
  for (const child of started) child.kill('SIGKILL');
}

/**
 * Starts a process in its own process group. Ctrl-C in the terminal does not reach it, because the programs of the stack
 * stop in order. Throws a SetupError when the program cannot be run.
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

/** Waits until `isReady` returns true. Throws a SetupError when the process ends or takes too long. */
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

/** The pid file of a program in a data folder. */
export function pidFileOf(dataDir: string, name: string): string {
  return join(dataDir, 'run', `${name}.pid`);
}

/** The pid in a pid file, if that process still runs. */
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

/** Stops the process of a pid file and returns its pid; undefined when it does not run. */
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

/** Stops a process that is not a child, and waits until it is gone. */
async function endProcess(pid: number, signal: NodeJS.Signals, graceMs: number): Promise<void> {
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
 * The pid of a process and its start time, which together are unique on this machine. Undefined when no such process runs.
 * A pid alone is reused, soon in a restarted container.
 */
export function identityOf(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const started = existsSync('/proc/self/stat') ? startedByProc(pid) : startedByPs(pid);
  return started && `${pid} ${started}`;
}

function startedByProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may contain spaces. After it come field 3, the state, and so on; field 22 is the start time.
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

/** How to run a command. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
}

/** The result of a command. */
export interface RunResult {
  readonly ok: boolean;
  /** Its answer without the warnings: what it wrote to stdout. */
  readonly stdout: string;
  /** What to show when it failed: stdout and stderr in the order in which they were read, or why it could not be run. */
  readonly output: string;
}

const running = new Set<ChildProcess>();

/** Ends all running commands. */
export function endCommands(): void {
  for (const child of running) child.kill('SIGTERM');
}

/** Runs a command. Never rejects: a command that cannot be run has failed. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    child.once('close', () => running.delete(child));
    let stdout = '';
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.once('error', (error) => resolve({ ok: false, stdout: '', output: error.message }));
    child.once('close', (code) => resolve({ ok: code === 0, stdout: stdout.trim(), output: output.trim() }));
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
