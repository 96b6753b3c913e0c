// Saves checkpoints as files, with the hashes of the leaves since the one before: a log that is changed or rolled back contradicts
// them, and the hashes tell from which leaf on. No file is ever overwritten.
import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reader } from '../../db/pool.ts';
import { lastCheckpoint, readTiles } from '../../db/transparency/index.ts';
import { checkpointFile, HASH_BYTES, leavesFile, sizeOfFile, TILE_WIDTH } from '../../transparency/index.ts';

/** Tiles that are read at a time: 1 MB. */
const TILES = 128;

/**
 * What saves the last checkpoint in a folder, where that is not there yet; the files survive a power cut once it resolves. Several
 * workers may share a folder. Rejects, and saves nothing, where the folder knows of a longer log or of another one: the database was
 * restored, and its log is not the one that others hold.
 */
export function createCheckpointSaver(db: Reader, folder: string): () => Promise<void> {
  let saved: number | undefined;
  return async () => {
    // The folder first: whatever any worker has saved was signed before, so the log that is read after it has that, too.
    const known = saved ?? (await largestSaved(folder));
    const last = await lastCheckpoint(db);
    if ((last?.size ?? 0) < known)
      throw new Error(
        `the folder has a checkpoint of ${known} leaves, and the log one of ${last?.size ?? 0}`,
      );
    if (!last || last.size === saved) return;
    const { size, note } = last;
    if (size > known) await writeOnce(folder, leavesFile(size), leafHashes(db, known, size));
    await writeOnce(folder, checkpointFile(size), [note]);
    if ((await readFile(join(folder, checkpointFile(size)), 'utf8')) !== note)
      throw new Error(`the folder has another checkpoint of ${size} leaves than the log`);
    saved = size;
  };
}

/** The size of the longest log that a folder has a checkpoint of; 0 where it has none. There may be millions of files. */
async function largestSaved(folder: string): Promise<number> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = await readdir(folder);
  return names.reduce((most, name) => Math.max(most, sizeOfFile('checkpoint', name) ?? 0), 0);
}

async function* leafHashes(db: Reader, from: number, to: number): AsyncGenerator<Buffer> {
  for (let leaf = from; leaf < to; ) {
    const first = Math.floor(leaf / TILE_WIDTH);
    const count = Math.min(TILES, Math.ceil(to / TILE_WIDTH) - first);
    const places = Array.from({ length: count }, (_, n) => ({ level: 0, index: first + n }));
    const tiles = (await readTiles(db, places)).sort((a, b) => a.index - b.index);
    const hashes = Buffer.concat(tiles.map((tile) => tile.hashes));
    const end = Math.min(to, (first + count) * TILE_WIDTH);
    const start = first * TILE_WIDTH;
    yield hashes.subarray((leaf - start) * HASH_BYTES, (end - start) * HASH_BYTES);
    leaf = end;
  }
}

/** Writes beside the file and links it, which takes no name that is taken: a file is there as a whole or not at all. */
async function writeOnce(
  folder: string,
  name: string,
  content: AsyncIterable<Buffer> | Iterable<string>,
): Promise<void> {
  const draft = join(folder, `.${name}.${randomUUID()}`);
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      for await (const piece of content) await file.writeFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, join(folder, name)).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  const entries = await open(folder, 'r');
  await entries.sync().finally(() => entries.close());
}
