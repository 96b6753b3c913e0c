// A process and everything below it, as Linux lists them: to stop, continue and kill a whole node.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A first process may start others while the tree is read; this many readings find them all. */
const MAX_READINGS = 10;

/** Sends a signal to the processes and all below them, parents first, until no new one appears. */
export function signalTree(roots: readonly number[], signal: NodeJS.Signals): void {
  const done = new Set<number>();
  for (let reading = 0; reading < MAX_READINGS; reading++) {
    const fresh = treeOf(roots).filter((pid) => !done.has(pid));
    if (fresh.length === 0) return;
    for (const pid of fresh) {
      done.add(pid);
      send(pid, signal);
    }
  }
}

/** Sends a signal; a process that is gone gets none. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

function treeOf(roots: readonly number[]): number[] {
  const children = Map.groupBy(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number),
    parentOf,
  );
  const found = new Set<number>();
  const visit = (pid: number): void => {
    if (found.has(pid)) return;
    found.add(pid);
    for (const child of children.get(pid) ?? []) visit(child);
  };
  for (const root of roots) visit(root);
  return [...found];
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(join('/proc', String(pid), 'stat'), 'utf8');
    // The name in parentheses may contain spaces. After it come the state and the parent.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}
