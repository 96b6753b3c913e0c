// Tells a running process from another one that got its number later.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

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
