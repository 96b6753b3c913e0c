// Appends sealed transfers to the log.
import { randomBytes } from 'node:crypto';
import type { TransferPlaces } from '../../db/archive/index.ts';
import { type AccountOwners, readSealedTransfers, type SealedTransfer } from '../../db/feed/index.ts';
import type { Pool, Reader } from '../../db/pool.ts';
import { PATIENT_IDLE_IN_TRANSACTION_MS } from '../../db/timeouts.ts';
import { inTransaction } from '../../db/transaction.ts';
import { lockLog, readTiles, type StoredTile, storeTiles } from '../../db/transparency/index.ts';
import {
  appendToTiles,
  hashLeaf,
  leafText,
  partyHash,
  SALT_BYTES,
  TILE_WIDTH,
} from '../../transparency/index.ts';

/** Leaves of a transaction: 16 tiles, some 20 ms of this thread. The segments that they are in are read once. */
const CHUNK = 16 * TILE_WIDTH;
/** Levels of tiles that the schema allows: 256^7 leaves. */
const LEVELS = 7;
/** The salts of both sides. */
const SALTS_BYTES = 2 * SALT_BYTES;
const SALTS_DIGITS = 2 * SALTS_BYTES;

/** Where sealed transfers are, all from the primary, and what is known of the users of accounts. */
export type LogPlaces = TransferPlaces & { readonly reads: Pool; readonly owners?: AccountOwners };

/**
 * Appends up to 16 tiles of sealed transfers in one transaction, so that a worker that dies has appended all of them or none.
 * Returns whether more may wait; false as well where another worker is appending.
 */
export function appendSealed(places: LogPlaces): Promise<boolean> {
  return inTransaction(places.reads, async (client) => {
    await client.query(`SET LOCAL idle_in_transaction_session_timeout = ${PATIENT_IDLE_IN_TRANSACTION_MS}`);
    const size = await lockLog(client);
    if (size === undefined) return false;
    const sealed = await readSealedTransfers(places, BigInt(size), CHUNK, places.owners);
    if (sealed.length === 0) return false;
    const salts = randomBytes(sealed.length * SALTS_BYTES);
    const digits = salts.toString('hex');
    const leaves = sealed.map((one, index) => {
      const [debit, credit] = [index * SALTS_DIGITS, (index + 0.5) * SALTS_DIGITS];
      return leafHash(
        one,
        size + index,
        digits.slice(debit, credit),
        digits.slice(credit, debit + SALTS_DIGITS),
      );
    });
    const edge = await readEdge(client, size);
    const tiles = appendToTiles(size, edge, leaves).map(({ level, index, hashes }) => ({
      ...{ level, index, hashes: Buffer.from(hashes) },
      salts: level === 0 ? saltsOf(index, size, edge, salts) : undefined,
    }));
    await storeTiles(client, tiles, size + sealed.length);
    return sealed.length === CHUNK;
  });
}

/** The last tile of each level, where it is not whole. */
function readEdge(client: Reader, size: number): Promise<StoredTile[]> {
  const places = Array.from({ length: LEVELS }, (_, level) => ({
    level,
    index: Math.floor(size / TILE_WIDTH ** (level + 1)),
  }));
  return readTiles(client, places);
}

/** The hash of a leaf, with the salts of its sides in hexadecimal. */
function leafHash(
  { leaf, id, transfer }: SealedTransfer,
  place: number,
  debitSalt: string,
  creditSalt: string,
): Buffer {
  // What was sealed and is gone now can be no leaf. The log stops, and the age of its last checkpoint tells.
  if (!transfer) throw new Error(`the sealed transfer ${id} is missing`);
  if (leaf !== BigInt(place)) throw new Error(`the seal has leaf ${leaf} in the place of ${place}`);
  return hashLeaf(
    leafText({
      leaf: place,
      transferId: id,
      kind: transfer.kind,
      currency: transfer.currency,
      amount: transfer.amount,
      createdAt: transfer.createdAt,
      debit: partyHash(debitSalt, transfer.debit),
      credit: partyHash(creditSalt, transfer.credit),
    }),
  );
}

/** The salts of a tile of leaves: those that it had, and its part of the new ones, which begin with leaf `size`. */
function saltsOf(tile: number, size: number, edge: readonly StoredTile[], added: Buffer): Buffer {
  const first = tile * TILE_WIDTH;
  const before = edge.find(({ level, index }) => level === 0 && index === tile)?.salts ?? Buffer.alloc(0);
  const from = Math.max(0, first - size) * SALTS_BYTES;
  const to = (first + TILE_WIDTH - size) * SALTS_BYTES;
  return Buffer.concat([before, added.subarray(from, to)]);
}
