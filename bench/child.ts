// A program under load, as a process of its own, whose CPU time can be read.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** A running program. */
export interface Child {
  /** What it has used so far, user and system time, in seconds; 0 where the system does not tell. */
  readonly cpuSeconds: () => number;
  stop(): Promise<void>;
}

/** The kernel counts in hundredths of a second (USER_HZ, proc(5)). */
const TICKS_PER_SECOND = 100;

/** Starts a program of this repository; it is ready once this resolves. */
export async function startChild(program: string, env: Record<string, string>): Promise<Child> {
  const child = fork(resolve(import.meta.dirname, '..', program), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  await Promise.race([
    once(child, 'message'),
    ended.then(() => Promise.reject(new Error(`${program} ended before it was ready`))),
  ]);
  return {
    cpuSeconds: () => cpuSecondsOf(child.pid ?? 0),
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function cpuSecondsOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // utime and stime are fields 14 and 15; the name in parentheses before them may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}
