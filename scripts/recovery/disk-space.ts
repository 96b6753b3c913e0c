// How much room there is on a disk, and how that is said.
import { statfsSync } from 'node:fs';
import { SetupError } from '../cli/program.ts';

/** Bytes as text: `1,234 MB`. */
export function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6).toLocaleString('en')} MB`;
}

/** What is left on the disk of a folder for this user, in bytes. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Says that the disk of a folder is full, and how large it is. */
export function noSpaceOn(folder: string): string {
  const { blocks, bsize } = statfsSync(folder);
  return `no space is left on the disk of ${folder} (${megabytes(freeBytes(folder))} of ${megabytes(blocks * bsize)} are free)`;
}

/** An error that a full disk of the folder caused, in words; another one as it is. */
export function explainFullDisk(error: unknown, folder: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  // Tools say it in the words of strerror(3).
  const isFull = code === 'ENOSPC' || /No space left on device/.test(message);
  return isFull ? new SetupError(`${noSpaceOn(folder)}: ${message}`) : error;
}
