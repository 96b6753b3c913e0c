// Receipts: the proofs of the transparency log, from the replica.

import type { TransferPlaces } from '../db/archive/index.ts';
import { isUnsealed, leafOf } from '../db/feed/index.ts';
import { lastCheckpoint, listVerifiers, readTiles } from '../db/transparency/index.ts';
import { InvariantError } from '../domain/error-fields.ts';
import type { PostedTransfer } from '../domain/transfer.ts';
import {
  consistencyProof,
  hashLeaf,
  hashOfTiles,
  inclusionProof,
  leafText,
  partyHash,
  SALT_BYTES,
  type Subtree,
  TILE_WIDTH,
  tilesOf,
} from '../transparency/index.ts';
import type { ReadSources } from './sources.ts';

/** A transfer with the proof that it is in the log. */
export interface ProvenTransfer {
  readonly leaf: number;
  /** What the tree hashes. */
  readonly text: string;
  readonly proof: readonly Uint8Array[];
  /** The signed note that the proof leads to. */
  readonly checkpoint: string;
  readonly debitSalt: Uint8Array;
  readonly creditSalt: Uint8Array;
}

/** Reads the transparency log. Everything throws what Postgres does. */
export interface ReceiptRepository {
  /** `too early` where no checkpoint has the transfer yet, `never` where it was posted before the log began. */
  prove(posted: PostedTransfer): Promise<ProvenTransfer | 'too early' | 'never'>;
  /** The newest signed note with its size, and all public keys; undefined where nothing was signed yet. */
  checkpoint(): Promise<
    { readonly size: number; readonly note: string; readonly verifiers: readonly string[] } | undefined
  >;
  /** The proof that the log of `from` leaves, at least 1, is the beginning of that of `to`, which a checkpoint has. */
  proveConsistency(from: number, to: number): Promise<readonly Uint8Array[]>;
}

export function createReceiptRepository({
  readFromReplica,
  archive,
}: Pick<ReadSources, 'readFromReplica' | 'archive'>): ReceiptRepository {
  return {
    prove: (posted) => readFromReplica((reads) => prove({ reads, archive }, posted)),
    checkpoint: () =>
      readFromReplica(async (db) => {
        const last = await lastCheckpoint(db);
        return last && { size: last.size, note: last.note, verifiers: await listVerifiers(db) };
      }),
    proveConsistency: (from, to) =>
      readFromReplica(async (db) => {
        const proof = consistencyProof(from, to);
        return proof.map(hashOfTiles(await readTiles(db, tilesOf(proof.flat()))));
      }),
  };
}

async function prove(
  { reads: db, archive }: TransferPlaces,
  posted: PostedTransfer,
): Promise<ProvenTransfer | 'too early' | 'never'> {
  const checkpoint = await lastCheckpoint(db);
  if (await isUnsealed(db, posted.transfer.id)) return 'too early';
  const found = await leafOf({ reads: db, archive }, posted.transfer.id);
  if (found === undefined) return 'never';
  const leaf = Number(found);
  if (!checkpoint || leaf >= checkpoint.size) return 'too early';
  const proof = inclusionProof(leaf, checkpoint.size);
  const own: Subtree = { height: 0, index: leaf };
  const tiles = await readTiles(db, tilesOf([own, ...proof.flat()]));
  const salts = tiles
    .find(({ level, index }) => level === 0 && index === Math.floor(leaf / TILE_WIDTH))
    ?.salts?.subarray((leaf % TILE_WIDTH) * 2 * SALT_BYTES)
    .subarray(0, 2 * SALT_BYTES);
  if (!salts) throw new InvariantError(`the tile of leaf ${leaf} is missing`);
  const [debitSalt, creditSalt] = [salts.subarray(0, SALT_BYTES), salts.subarray(SALT_BYTES)];
  const text = leafTextOf(posted, leaf, debitSalt, creditSalt);
  const hashOf = hashOfTiles(tiles);
  // Nothing that callers do leads here: rows were changed behind the log.
  if (Buffer.compare(hashOf([own]), hashLeaf(text)) !== 0)
    throw new InvariantError(`transfer ${posted.transfer.id} is not what leaf ${leaf} of the log says`);
  return { leaf, text, proof: proof.map(hashOf), checkpoint: checkpoint.note, debitSalt, creditSalt };
}

function leafTextOf(
  { transfer, debitUserId, creditUserId }: PostedTransfer,
  leaf: number,
  debitSalt: Uint8Array,
  creditSalt: Uint8Array,
): string {
  const { id, kind, currency, amount, createdAt, debitAccountId, creditAccountId } = transfer;
  return leafText({
    ...{ leaf, transferId: id, kind, currency, amount, createdAt },
    debit: partyHash(debitSalt, { userId: debitUserId, accountId: debitAccountId }),
    credit: partyHash(creditSalt, { userId: creditUserId, accountId: creditAccountId }),
  });
}
