// Runs a command of an operator as a process, and ends all of it when it has to.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

/** How a command ended. */
export interface Ended {
  /** Null where a signal ended it. */
  readonly code: number | null;
  /** The end of what it printed to stdout. */
  readonly output: string;
}

/** How much of the output is kept, in characters. A list of 10,000 backups has 5 million. */
const MOST_OUTPUT = 16_000_000;
/** How long a command, or what it left running, may take to end after SIGTERM, in milliseconds. */
const TERMINATE_MS = 5_000;

/**
 * What stands before each command. The worker holds the other end of file descriptor 3, so `cat` ends when the worker dies,
 * also by SIGKILL, and takes the command's group of processes with it.
 */
const END_WITH_WORKER = '(cat <&3; kill -TERM 0) >/dev/null 2>&1 &\nexec 3<&-\n';

/** Runs a command in a shell until it ends by itself or `signal` is aborted. What it leaves running delays that by seconds. */
export async function runCommand(command: string, signal: AbortSignal): Promise<Ended> {
  const child = spawn('/bin/sh', ['-c', END_WITH_WORKER + command], {
    stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    // A group of its own, so that all of it can be ended.
    detached: true,
  });
  const guard = child.stdio[3] as Writable;
  guard.on('error', () => {});
  let output = '';
  // A character can be split over two reads.
  child.stdout?.setEncoding('utf8');
  child.stdout?.on('data', (text: string) => {
    output = (output + text).slice(-MOST_OUTPUT);
  });
  const timers: NodeJS.Timeout[] = [];
  const killLater = () => {
    timers.push(setTimeout(() => killGroup(child, 'SIGKILL'), TERMINATE_MS));
  };
  const terminate = () => {
    killGroup(child, 'SIGTERM');
    killLater();
  };
  if (signal.aborted) terminate();
  signal.addEventListener('abort', terminate, { once: true });
  try {
    return await new Promise<Ended>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => {
        // What it left running gets SIGTERM from this.
        guard.destroy();
        killLater();
        // What left the group (setsid) may hold stdout open for ever.
        timers.push(setTimeout(() => child.stdout?.destroy(), TERMINATE_MS));
      });
      child.once('close', (code) => resolve({ code, output }));
    });
  } finally {
    for (const timer of timers) clearTimeout(timer);
    signal.removeEventListener('abort', terminate);
  }
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
}
