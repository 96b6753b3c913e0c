// How the tree is stored: tiles of up to 256 hashes (C2SP tlog-tiles). A tile of level 0 has the hashes of leaves, one of level n
// the hashes of complete subtrees of 256^n leaves, so a proof among 10 million leaves reads 6 rows at most.
import { HASH_BYTES, hashPair, hashSubtrees, type Subtree } from './merkle.ts';

/** The hashes in a whole tile. */
export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;

/** A tile, or the beginning of one that is not whole yet. */
export interface Tile {
  readonly level: number;
  readonly index: number;
  /** Its hashes, one behind the other. */
  readonly hashes: Uint8Array;
}

type Place = Pick<Tile, 'level' | 'index'>;

/** Where the hash of a complete subtree comes from: this many hashes of a tile. */
function placeOf({ height, index }: Subtree): Place & { readonly first: number; readonly count: number } {
  const count = 2 ** (height % TILE_HEIGHT);
  const at = index * count;
  return {
    level: Math.floor(height / TILE_HEIGHT),
    index: Math.floor(at / TILE_WIDTH),
    first: at % TILE_WIDTH,
    count,
  };
}

const keyOf = ({ level, index }: Place) => `${level}/${index}`;

/** The tiles that these subtrees need, each once. */
export function tilesOf(subtrees: readonly Subtree[]): Place[] {
  const places = subtrees.map(placeOf).map(({ level, index }) => ({ level, index }));
  return [...new Map(places.map((place) => [keyOf(place), place])).values()];
}

/** What finds the hashes of subtrees in tiles. It throws a RangeError where one of tilesOf() is missing, or too short. */
export function hashOfTiles(tiles: readonly Tile[]): (range: readonly Subtree[]) => Uint8Array {
  const known = new Map(tiles.map((tile) => [keyOf(tile), tile.hashes]));
  const hashOf = (subtree: Subtree): Uint8Array => {
    const { first, count, ...place } = placeOf(subtree);
    const hashes = known.get(keyOf(place)) ?? new Uint8Array();
    if (hashes.length < (first + count) * HASH_BYTES)
      throw new RangeError(
        `tile ${keyOf(place)} has ${hashes.length / HASH_BYTES} hashes, not ${first + count}`,
      );
    return fold(hashes, first, count);
  };
  return (range) => hashSubtrees(range.map(hashOf));
}

/** The root over a power of two of hashes, level by level: those of a level take the place of what they are made of. */
function fold(hashes: Uint8Array, first: number, count: number): Uint8Array {
  const level = Buffer.from(hashes.subarray(first * HASH_BYTES, (first + count) * HASH_BYTES));
  for (let left = count; left > 1; left /= 2)
    for (let at = 0; at < left; at += 2) {
      const from = at * HASH_BYTES;
      const node = hashPair(level, from);
      level.set(node, from / 2);
    }
  return level.subarray(0, HASH_BYTES);
}

/**
 * Puts leaves behind the first `size` ones, and returns every tile that is new or longer than before.
 * @param edge The last tile of each level that is not whole; a level whose last tile is whole, or that is empty, has none.
 */
export function appendToTiles(
  size: number,
  edge: readonly Tile[],
  leafHashes: readonly Uint8Array[],
): Tile[] {
  const changed: Tile[] = [];
  let added = leafHashes;
  for (let [level, before] = [0, size]; added.length > 0; level++) {
    const whole: Uint8Array[] = [];
    let index = Math.floor(before / TILE_WIDTH);
    let held = edge.find((tile) => tile.level === level && tile.index === index)?.hashes ?? new Uint8Array();
    if (held.length !== (before % TILE_WIDTH) * HASH_BYTES)
      throw new RangeError(`tile ${level}/${index} is not what the size of the log says`);
    for (let taken = 0; taken < added.length; index++, held = new Uint8Array()) {
      const room = TILE_WIDTH - held.length / HASH_BYTES;
      const hashes = Buffer.concat([held, ...added.slice(taken, taken + room)]);
      taken += room;
      changed.push({ level, index, hashes });
      if (hashes.length === TILE_WIDTH * HASH_BYTES) whole.push(fold(hashes, 0, TILE_WIDTH));
    }
    added = whole;
    before = Math.floor(before / TILE_WIDTH);
  }
  return changed;
}
