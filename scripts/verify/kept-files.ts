// The files that a log was saved in: checkpoints, and the hashes of leaves (src/transparency/files.ts).
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointFile, HASH_BYTES, leavesFile, sizeOfFile } from '../../src/transparency/index.ts';
import { SetupError } from '../cli/program.ts';

/** What a folder has. */
export interface KeptFiles {
  /** How many leaves the log had by it. */
  readonly size: number;
  /** The signed notes of more than `above` leaves and at most `upTo`. */
  notes(above: number, upTo: number): Promise<readonly string[]>;
  /** The hashes of these leaves, as far as they were saved. */
  hashes(from: number, count: number): Promise<ReadonlyMap<number, Uint8Array>>;
}

/** Hashes of the leaves from `start` on, before `end`. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** Reads the names in a folder. Throws a SetupError where it cannot. */
export async function openKeptFiles(folder: string): Promise<KeptFiles> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw new SetupError(`cannot read ${folder}: ${error.code}`);
  });
  const sizesOf = (kind: 'checkpoint' | 'leaves') =>
    names.flatMap((name) => sizeOfFile(kind, name) ?? []).sort((a, b) => a - b);
  const sizes = sizesOf('checkpoint');
  const spans: Span[] = [];
  for (const end of sizesOf('leaves')) {
    const { size: bytes } = await stat(join(folder, leavesFile(end)));
    if (bytes % HASH_BYTES !== 0 || bytes / HASH_BYTES > end)
      throw new SetupError(`${leavesFile(end)} is not a list of at most ${end} hashes`);
    spans.push({ start: end - bytes / HASH_BYTES, end });
  }
  return {
    size: Math.max(sizes.at(-1) ?? 0, spans.at(-1)?.end ?? 0),
    notes: (above, upTo) =>
      Promise.all(
        sizes
          .filter((size) => size > above && size <= upTo)
          .map((size) => readFile(join(folder, checkpointFile(size)), 'utf8')),
      ),
    hashes: async (from, count) => {
      const found = new Map<number, Uint8Array>();
      for (const span of spans.filter(({ start, end }) => start < from + count && end > from))
        await readSpan(folder, span, from, from + count, found);
      return found;
    },
  };
}

async function readSpan(
  folder: string,
  { start, end }: Span,
  from: number,
  to: number,
  found: Map<number, Uint8Array>,
): Promise<void> {
  const [first, last] = [Math.max(start, from), Math.min(end, to)];
  const bytes = Buffer.alloc((last - first) * HASH_BYTES);
  const file = await open(join(folder, leavesFile(end)));
  const { bytesRead } = await file
    .read(bytes, 0, bytes.length, (first - start) * HASH_BYTES)
    .finally(() => file.close());
  for (let at = 0; at + HASH_BYTES <= bytesRead; at += HASH_BYTES)
    found.set(first + at / HASH_BYTES, bytes.subarray(at, at + HASH_BYTES));
}
