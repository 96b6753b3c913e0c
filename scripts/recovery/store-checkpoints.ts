// Copies the saved checkpoints of the transparency log to the storage of backups, where an object lock can keep them from everybody.
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sizeOfFile } from '../../src/transparency/index.ts';
import { SetupError } from '../cli/program.ts';
import type { Storage } from './storage.ts';

const PREFIX = 'transparency-log/';

/**
 * Stores each file that the storage does not have. What is there is never overwritten; the leaves of a checkpoint come before it,
 * as in the folder. Returns the names of what it stored. Throws a SetupError where the folder cannot be read.
 */
export async function storeCheckpoints(folder: string, storage: Storage): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw new SetupError(`cannot read ${folder}: ${error.code}`);
  });
  const isSaved = (name: string) =>
    sizeOfFile('checkpoint', name) !== undefined || sizeOfFile('leaves', name) !== undefined;
  const stored = new Set((await storage.list(PREFIX)).map(({ key }) => key));
  const missing = names.filter((name) => isSaved(name) && !stored.has(PREFIX + name));
  const bySize = (name: string) => Number(name.slice(-15));
  // `leaves` comes after `checkpoint` by name, and has to be there first.
  missing.sort((a, b) => bySize(a) - bySize(b) || (a < b ? 1 : -1));
  for (const name of missing) await storage.write(PREFIX + name, createReadStream(join(folder, name)));
  return missing;
}
