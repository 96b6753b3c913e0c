// Files that only their owner may read, and lock files that one process at a time can hold.
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf, readPidFile } from './processes.ts';

/** Writes a file that only its owner may read; at no time is it there in part. */
export function writeSecret(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, file);
}

/** The secret of this name; made up by the first who asks. */
export function loadSecret(file: string, make: () => string = randomSecret): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    const secret = make();
    writeSecret(file, secret);
    return secret;
  }
}

/** 256 random bits as 43 characters that need no escaping in a URL, a shell or a header. */
export function randomSecret(): string {
  return randomBytes(32).toString('base64url');
}

const POLL_MS = 100;

/** Takes the lock. Returns how to give it back, or the pid of the live process that holds it. */
export function tryLock(file: string): { unlock: () => void } | { heldBy: number } {
  mkdirSync(dirname(file), { recursive: true });
  const mine = `${file}.${process.pid}`;
  const identity = identityOf(process.pid) ?? '';
  // The lock appears with its owner in it at once: linking a written file is one step, creating and writing are two.
  writeFileSync(mine, identity);
  try {
    for (;;) {
      try {
        linkSync(mine, file);
        return { unlock: () => giveBack(file, identity) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const heldBy = readPidFile(file);
      if (heldBy !== undefined) return { heldBy };
      removeStale(file, `${mine}.stale`);
    }
  } finally {
    rmSync(mine);
  }
}

/** Two may find the same dead owner, and the slower one must not take the lock that the faster one has by now. */
function removeStale(file: string, aside: string): void {
  try {
    renameSync(file, aside);
    if (readPidFile(aside) !== undefined) linkSync(aside, file);
  } catch {
    // Somebody else removed it, or holds it already; the next try will see.
  }
  rmSync(aside, { force: true });
}

function giveBack(file: string, identity: string): void {
  try {
    if (readFileSync(file, 'utf8') === identity) rmSync(file);
  } catch {
    // The data folder may be gone by now, and the lock with it.
  }
}

/** Does something while holding the lock; waits for whoever holds it. */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  for (;;) {
    const lock = tryLock(file);
    if ('heldBy' in lock) {
      await sleep(POLL_MS);
      continue;
    }
    try {
      return await work();
    } finally {
      lock.unlock();
    }
  }
}
