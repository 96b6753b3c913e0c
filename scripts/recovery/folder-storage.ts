// Backups in a folder, on a disk of its own or on a network file system.
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SetupError } from '../cli/program.ts';
import { noSpaceOn } from './disk-space.ts';
import { ABANDONED_AFTER_MS, type Content, type Storage, type StoredObject } from './storage.ts';

/** The end of the name of a file that is being written. */
const DRAFT = '.part';

/** The storage in a folder, which it creates. */
export function folderStorage(folder: string): Storage {
  const url = pathToFileURL(folder).href;
  const pathOf = (key: string) => join(folder, key);
  return {
    url,
    list: async (prefix) => {
      const below = dirname(`${prefix}x`);
      const found: StoredObject[] = [];
      const isMeant = (key: string) => key.startsWith(prefix) && !isDraft(key);
      for await (const object of walk(folder, below === '.' ? '' : below, isMeant)) found.push(object);
      return found.sort((a, b) => (a.key < b.key ? -1 : 1));
    },
    read: async (key) => {
      const file = createReadStream(pathOf(key), { highWaterMark: 1 << 20 });
      await new Promise<void>((resolve, reject) => {
        file.once('open', () => resolve());
        file.once('error', (error) => reject(refused(`cannot read ${pathOf(key)}`, folder, error)));
      });
      return file;
    },
    write: (key, content) => writeWhole(pathOf(key), content),
    sync: (key) => syncFolder(dirname(pathOf(key))),
    remove: (keys) => removeFiles(folder, keys),
    removeAbandoned: async () => {
      for await (const { key, storedAt } of walk(folder, '', isDraft))
        if (storedAt < Date.now() - ABANDONED_AFTER_MS) await removeFiles(folder, [key]);
    },
  };
}

const isDraft = (key: string) => key.endsWith(DRAFT);

/** Removes files, and folders that are empty afterwards. */
async function removeFiles(root: string, keys: readonly string[]): Promise<void> {
  for (const key of keys) await rm(join(root, key), { force: true });
  const folders = new Set(keys.map((key) => dirname(join(root, key))));
  for (const folder of folders) if (await isEmpty(folder)) await rm(folder, { recursive: true, force: true });
}

async function isEmpty(folder: string): Promise<boolean> {
  return (await readdir(folder).catch(() => ['?'])).length === 0;
}

/** The files below a folder whose keys are meant; none where the folder is not there. */
async function* walk(
  root: string,
  below: string,
  isMeant: (key: string) => boolean,
): AsyncGenerator<StoredObject> {
  const entries = await readdir(join(root, below), { withFileTypes: true }).catch((error) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw refused(`cannot list ${join(root, below)}`, root, error);
  });
  for (const entry of entries) {
    const key = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) yield* walk(root, key, isMeant);
    // Only of files that are meant: archiving one file asks for one among ten thousands. It may be removed or renamed meanwhile.
    const facts =
      entry.isFile() && isMeant(key) ? await stat(join(root, key)).catch(() => undefined) : undefined;
    if (facts) yield { key, bytes: facts.size, storedAt: facts.mtimeMs };
  }
}

/** Writes beside the file, syncs, renames, and syncs the folder, so that a power cut leaves all of it or nothing. */
async function writeWhole(path: string, content: Content): Promise<void> {
  const folder = dirname(path);
  const draft = join(folder, `.${basename(path)}.${process.pid}.${Date.now()}${DRAFT}`);
  try {
    await makeFolder(folder);
    const file = await open(draft, 'wx', 0o600);
    await fill(file, content);
    await rename(draft, path);
    await syncFolder(folder);
  } catch (error) {
    // Before the draft is removed, because it may be what filled the disk.
    const refusal = refused(`cannot write ${path}`, folder, error);
    await rm(draft, { force: true }).catch(() => {});
    throw refusal;
  }
}

/** Makes a folder and those above it, each of which has to survive a power cut with what is in it. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  for (let made = folder; first !== undefined && made.length >= first.length; made = dirname(made))
    await syncFolder(dirname(made));
}

async function fill(file: FileHandle, content: Content): Promise<void> {
  try {
    for await (const piece of content) await file.writeFile(piece);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a rename in a folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}

function refused(what: string, folder: string, error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException;
  // What the content itself reports is not a fault of the file.
  if (code === undefined) return error as Error;
  if (code === 'ENOSPC') return new SetupError(`${what}: ${noSpaceOn(folder)}`);
  const reasons: Record<string, string> = {
    EACCES: 'this user has no right to',
    EPERM: 'this user has no right to',
    EROFS: 'the file system is read-only',
    ENOENT: 'it is not there',
  };
  return new SetupError(`${what}: ${reasons[code] ?? code}`);
}
