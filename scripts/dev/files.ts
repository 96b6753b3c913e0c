// Files that only their owner may read, and lock files that one process at a time can hold.
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf, readPidFile } from './processes.ts';

/** Writes a file that only its owner can read, by a rename, so that it is never incomplete. */
export function writeSecret(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, file);
}

/** Reads a secret from its file, or creates it. */
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

/** Acquires the lock. Returns its release, or the pid of the running process that holds it. */
export function tryLock(file: string): { unlock: () => void } | { heldBy: number } {
  mkdirSync(dirname(file), { recursive: true });
  const mine = `${file}.${process.pid}`;
  const identity = identityOf(process.pid) ?? '';
  // Linking a written file is one step, so the lock never exists without its owner in it.
  writeFileSync(mine, identity);
  try {
    for (;;) {
      try {
        linkSync(mine, file);
        return { unlock: () => release(file, identity) };
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

/** Two processes may find the same dead owner; the slower one must not remove the new lock of the faster one. */
function removeStale(file: string, aside: string): void {
  try {
    renameSync(file, aside);
    if (readPidFile(aside) !== undefined) linkSync(aside, file);
  } catch {
    // Another process has removed it or holds it already; the next attempt finds out.
  }
  rmSync(aside, { force: true });
}

function release(file: string, identity: string): void {
  try {
    if (readFileSync(file, 'utf8') === identity) rmSync(file);
  } catch {
    // The data folder may be deleted, and the lock with it.
  }
}

/** Runs `work` with the lock, after waiting for it. */
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
