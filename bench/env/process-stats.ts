// CPU time and memory of processes, as the kernel counts them (proc(5)); 0 where there is no /proc.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** The kernel counts in hundredths of a second (USER_HZ). */
const TICKS_PER_SECOND = 100;
const KIB_PER_MIB = 1024;

/** User and system time of a process and its children, in seconds; includes children that have ended. */
export function cpuSecondsOf(pid: number): number {
  const fields = statOf(pid);
  if (fields === undefined) return 0;
  // utime, stime, and cutime, cstime of the children that have ended: fields 14 to 17.
  const own = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0) / TICKS_PER_SECOND;
  return childrenOf(pid).reduce((sum, child) => sum + cpuSecondsOf(child), own);
}

/** Resident memory of a process, in MiB (VmRSS). */
export function memoryMiBOf(pid: number): number {
  return statusOf(pid, 'VmRSS');
}

/** Peak of resident memory since the last resetPeak, in MiB (VmHWM). */
export function peakMiBOf(pid: number): number {
  return statusOf(pid, 'VmHWM');
}

/** Resets the peak to the present value. */
export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // Without permission the peak stays that since the start.
  }
}

/** Fields of /proc/PID/stat from the third on; the name in parentheses before them may hold spaces. */
function statOf(pid: number): string[] | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function childrenOf(pid: number): number[] {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`);
    return tasks.flatMap((task) =>
      (read(`/proc/${pid}/task/${task}/children`) ?? '').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

function statusOf(pid: number, field: string): number {
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(read(`/proc/${pid}/status`) ?? '')?.[1];
  return Number(kib ?? 0) / KIB_PER_MIB;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
