// Checks the whole transparency log against the transfers in the database and the archive, leaf by leaf, and against every
// checkpoint that is given. Memory stays the same however long the log is.
import {
  appendToTiles,
  HASH_BYTES,
  hashLeaf,
  hashOfTiles,
  leafText,
  type PartyOfLeaf,
  partyHash,
  SALT_BYTES,
  TILE_WIDTH,
  type Tile,
  treeRoot,
} from '../../src/transparency/index.ts';

/** A leaf, as the ledger and the log have it. */
export interface LogEntry {
  readonly leaf: number;
  /** Undefined where the transfer that was sealed is missing. */
  readonly transfer: LoggedTransfer | undefined;
  readonly debitSalt: Uint8Array;
  readonly creditSalt: Uint8Array;
  /** What the log has stored; empty where it has nothing. */
  readonly storedHash: Uint8Array;
}

/** What a leaf says of a transfer. */
export interface LoggedTransfer {
  readonly id: string;
  readonly kind: string;
  readonly currency: string;
  readonly amount: bigint;
  /** In microseconds since 1970. */
  readonly createdAt: number;
  readonly debit: PartyOfLeaf;
  readonly credit: PartyOfLeaf;
}

/** What a log is checked against. */
export interface LogEvidence {
  /** The roots of signed checkpoints of more than `above` leaves and at most `upTo`, by their sizes. */
  checkpoints(above: number, upTo: number): Promise<ReadonlyMap<number, readonly Uint8Array[]>>;
  /** The hashes of leaves that were kept elsewhere, by the leaves. */
  keptHashes(from: number, count: number): Promise<ReadonlyMap<number, Uint8Array>>;
  /** How many leaves there are by what was kept. */
  readonly keptSize: number;
  /** The stored tiles of these places. */
  readTiles(places: readonly Pick<Tile, 'level' | 'index'>[]): Promise<readonly Tile[]>;
}

/** What was found. */
export interface LogReport {
  readonly leaves: number;
  /** How many checkpoints agree. */
  readonly checkpoints: number;
  readonly fault: LogFault | undefined;
}

/** The first thing that does not hold. */
export interface LogFault {
  readonly leaf: number;
  readonly reason: string;
}

/** Checks entries in their order, and then whether any are missing at the end. */
export async function verifyLog(
  entries: AsyncIterable<readonly LogEntry[]>,
  evidence: LogEvidence,
): Promise<LogReport> {
  const walk = new LogWalk(evidence);
  for await (const some of entries) {
    const [from, count] = [walk.size, some.length];
    const roots = await evidence.checkpoints(from, from + count);
    const kept = await evidence.keptHashes(from, count);
    for (const part of partsOf(some, from, roots)) {
      const fault = await walk.take(part, kept, roots);
      if (fault) return walk.report(fault);
    }
  }
  return walk.report(walk.end());
}

/** Entries in parts that end where a checkpoint was signed. */
function* partsOf(
  entries: readonly LogEntry[],
  from: number,
  roots: ReadonlyMap<number, unknown>,
): Generator<readonly LogEntry[]> {
  let start = 0;
  for (let end = 1; end <= entries.length; end++) {
    if (end < entries.length && !roots.has(from + end)) continue;
    yield entries.slice(start, end);
    start = end;
  }
}

class LogWalk {
  readonly #evidence: LogEvidence;
  /** The last tile of each level, as far as it goes. */
  #edge: Tile[] = [];
  #size = 0;
  /** The size of the last checkpoint that agrees, and how many do. */
  #agreed = 0;
  #checkpoints = 0;

  constructor(evidence: LogEvidence) {
    this.#evidence = evidence;
  }

  get size(): number {
    return this.#size;
  }

  report(fault: LogFault | undefined): LogReport {
    return { leaves: this.#size, checkpoints: this.#checkpoints, fault };
  }

  /** Takes entries that go on from the last ones; a checkpoint may have been signed behind the last of them alone. */
  async take(
    entries: readonly LogEntry[],
    kept: ReadonlyMap<number, Uint8Array>,
    roots: ReadonlyMap<number, readonly Uint8Array[]>,
  ): Promise<LogFault | undefined> {
    const hashes: Buffer[] = [];
    for (const entry of entries) {
      const leaf = this.#size + hashes.length;
      const found = entry.leaf === leaf ? leafHashOf(entry) : undefined;
      if (!found) return { leaf, reason: 'the transfer is missing' };
      if (!found.equals(entry.storedHash))
        return { leaf, reason: 'the transfer is not what the log has stored' };
      if (!found.equals(kept.get(leaf) ?? found))
        return { leaf, reason: 'the transfer is not what was saved elsewhere' };
      hashes.push(found);
    }
    const tiles = appendToTiles(this.#size, this.#edge, hashes);
    this.#size += hashes.length;
    const changed = new Set(tiles.map(({ level }) => level));
    this.#edge = [...this.#edge.filter(({ level }) => !changed.has(level)), ...lastOfLevels(tiles)];
    return (await this.#checkTiles(tiles)) ?? this.#checkRoots(roots.get(this.#size) ?? []);
  }

  /** Whether the log goes on after the last entry, as far as anything says. */
  end(): LogFault | undefined {
    const { keptSize } = this.#evidence;
    return keptSize > this.#size
      ? { leaf: this.#size, reason: `it is missing: the log had ${keptSize} leaves` }
      : undefined;
  }

  /** Proofs are made of the stored tiles, so those of upper levels have to be right as well. */
  async #checkTiles(tiles: readonly Tile[]): Promise<LogFault | undefined> {
    const upper = tiles.filter(({ level }) => level > 0);
    const stored = upper.length === 0 ? [] : await this.#evidence.readTiles(upper);
    const wrong = upper.find(({ level, index, hashes }) => {
      const there = stored.find((tile) => tile.level === level && tile.index === index)?.hashes;
      return !there || Buffer.compare(there.subarray(0, hashes.length), hashes) !== 0;
    });
    if (!wrong) return undefined;
    const { level, index } = wrong;
    return {
      leaf: index * TILE_WIDTH ** (level + 1),
      reason: `tile ${level}/${index} of the log is not what its leaves say`,
    };
  }

  #checkRoots(roots: readonly Uint8Array[]): LogFault | undefined {
    const size = this.#size;
    const own = roots.length > 0 ? hashOfTiles(this.#edge)(treeRoot(size)) : undefined;
    if (own && roots.some((root) => Buffer.compare(root, own) !== 0)) {
      const reason = `a checkpoint of ${size} leaves has another root; that of ${this.#agreed} is right`;
      return { leaf: this.#agreed, reason };
    }
    if (own) this.#agreed = size;
    this.#checkpoints += roots.length;
    return undefined;
  }
}

/** The tile of each level that comes last, where it is not whole; a whole one is a hash of the level above. */
function lastOfLevels(tiles: readonly Tile[]): Tile[] {
  const last = new Map(tiles.map((tile) => [tile.level, tile]));
  return [...last.values()].filter(({ hashes }) => hashes.length < TILE_WIDTH * HASH_BYTES);
}

/** The hash of a leaf as the transfer is; undefined where it is missing. */
export function leafHashOf({ leaf, transfer, debitSalt, creditSalt }: LogEntry): Buffer | undefined {
  if (!transfer || debitSalt.length !== SALT_BYTES || creditSalt.length !== SALT_BYTES) return undefined;
  const { id, kind, currency, amount, createdAt, debit, credit } = transfer;
  return hashLeaf(
    leafText({
      ...{ leaf, transferId: id, kind, currency, amount, createdAt },
      debit: partyHash(debitSalt, debit),
      credit: partyHash(creditSalt, credit),
    }),
  );
}
