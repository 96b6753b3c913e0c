// The log as the database has it: the transfers that were sealed, also those of archived months, and what is stored of them.
import type { TransferPlaces } from '../../src/db/archive/index.ts';
import { readSealedTransfers, type SealedTransfer } from '../../src/db/feed/index.ts';
import type { Reader } from '../../src/db/pool.ts';
import {
  lastCheckpoint,
  listCheckpoints,
  logSize,
  readTiles,
  type StoredTile,
} from '../../src/db/transparency/index.ts';
import {
  HASH_BYTES,
  type LogVerifier,
  parseCheckpoint,
  SALT_BYTES,
  TILE_WIDTH,
} from '../../src/transparency/index.ts';
import { SetupError } from '../cli/program.ts';
import type { KeptFiles } from './kept-files.ts';
import type { LogEntry, LogEvidence } from './log.ts';

/** Leaves that are read at a time. */
const CHUNK = 16 * TILE_WIDTH;
const NOTHING = Buffer.alloc(0);

/** Every leaf that the log has by now, in order; one whose transfer is gone is among them. */
export async function* readLog(places: TransferPlaces): AsyncGenerator<readonly LogEntry[]> {
  const size = await logSize(places.reads);
  for (let from = 0; from < size; from += CHUNK) {
    const count = Math.min(CHUNK, size - from);
    const sealed = await readSealedTransfers(places, BigInt(from), count);
    const byLeaf = new Map(sealed.map((one) => [Number(one.leaf), one]));
    const indexes = Array.from({ length: Math.ceil(count / TILE_WIDTH) }, (_, n) => from / TILE_WIDTH + n);
    const tiles = await readTiles(
      places.reads,
      indexes.map((index) => ({ level: 0, index })),
    );
    const byIndex = new Map(tiles.map((tile) => [tile.index, tile]));
    yield Array.from({ length: count }, (_, n) => {
      const leaf = from + n;
      return entryOf(leaf, byLeaf.get(leaf), byIndex.get(Math.floor(leaf / TILE_WIDTH)));
    });
  }
}

function entryOf(leaf: number, sealed: SealedTransfer | undefined, tile: StoredTile | undefined): LogEntry {
  const place = leaf % TILE_WIDTH;
  const salts = tile?.salts?.subarray(place * 2 * SALT_BYTES, (place + 1) * 2 * SALT_BYTES) ?? NOTHING;
  return {
    leaf,
    transfer: sealed?.transfer,
    debitSalt: salts.subarray(0, SALT_BYTES),
    creditSalt: salts.subarray(SALT_BYTES),
    storedHash: tile?.hashes.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES) ?? NOTHING,
  };
}

/** What the database and saved files say that the log was. */
export async function readEvidence(
  db: Reader,
  files: KeptFiles | undefined,
  verifiers: readonly LogVerifier[],
): Promise<LogEvidence> {
  const last = await lastCheckpoint(db);
  return {
    keptSize: Math.max(last?.size ?? 0, files?.size ?? 0),
    keptHashes: async (from, count) => (await files?.hashes(from, count)) ?? new Map(),
    readTiles: (wanted) => readTiles(db, wanted),
    checkpoints: async (above, upTo) => {
      const notes = [
        ...(await listCheckpoints(db, above, upTo)),
        ...((await files?.notes(above, upTo)) ?? []),
      ];
      const roots = new Map<number, Uint8Array[]>();
      for (const note of new Set(notes)) {
        const { size, root } = readNote(note, verifiers);
        roots.set(size, [...(roots.get(size) ?? []), root]);
      }
      return roots;
    },
  };
}

function readNote(note: string, verifiers: readonly LogVerifier[]) {
  const checkpoint = parseCheckpoint(note, verifiers);
  if (typeof checkpoint !== 'string') return checkpoint;
  throw new SetupError(`${checkpoint}:\n${note.slice(0, 500)}`);
}
