// Signs what the log is.

import type { Pool, Reader } from '../../db/pool.ts';
import { inTransaction } from '../../db/transaction.ts';
import {
  addCheckpoint,
  addLogKey,
  type LastCheckpoint,
  type LogKey,
  lastCheckpoint,
  listLogKeys,
  lockLog,
  readTiles,
} from '../../db/transparency/index.ts';
import { drawLogKey, openLogKey, type SealingKeys } from '../../keys/index.ts';
import {
  checkpointText,
  hashOfTiles,
  parseCheckpoint,
  parseVerifier,
  signNote,
  tilesOf,
  treeRoot,
} from '../../transparency/index.ts';

/** How a log is signed. */
export interface SigningSettings {
  readonly sealingKeys: SealingKeys;
  /** The name of a log that has no key yet. */
  readonly name: string;
  /** The least time between two checkpoints, in milliseconds. */
  readonly everyMs: number;
}

/** Signs the log where it has grown since the last checkpoint, and that is old enough. */
export function signCheckpoint(pool: Pool, settings: SigningSettings): Promise<void> {
  return inTransaction(pool, async (client) => {
    const size = await lockLog(client);
    if (!size) return;
    const last = await lastCheckpoint(client);
    if (last && (last.size >= size || last.ageMs < settings.everyMs)) return;
    const keys = await signingKeys(client, settings);
    const [signer] = keys;
    if (!signer) throw new Error('all keys of the transparency log are retired');
    const subtrees = [treeRoot(size), treeRoot(last?.size ?? size)];
    const hashOf = hashOfTiles(await readTiles(client, tilesOf(subtrees.flat())));
    if (last) await checkAgainst(client, last, hashOf(treeRoot(last.size)));
    const text = checkpointText({ origin: signer.name, size, root: hashOf(treeRoot(size)) });
    await addCheckpoint(client, size, signNote(text, keys));
  });
}

/** A log whose tiles were changed behind it is not signed any more. */
async function checkAgainst(client: Reader, last: LastCheckpoint, root: Uint8Array): Promise<void> {
  const verifiers = (await listLogKeys(client)).flatMap(({ verifier }) => parseVerifier(verifier) ?? []);
  const before = parseCheckpoint(last.note, verifiers);
  if (typeof before === 'string') throw new Error(`the checkpoint of ${last.size} leaves: ${before}`);
  if (before.size !== last.size || Buffer.compare(before.root, root) !== 0)
    throw new Error(`the log is not the one that the checkpoint of ${last.size} leaves was signed for`);
}

async function signingKeys(client: Reader, { sealingKeys, name }: SigningSettings) {
  const all = await listLogKeys(client);
  const keys = all.length === 0 ? [await createFirstKey(client, sealingKeys, name)] : all;
  return keys
    .filter(({ isRetired }) => !isRetired)
    .map((key) => ({ name: key.name, privateKey: openLogKey(sealingKeys, key) }));
}

async function createFirstKey(client: Reader, sealingKeys: SealingKeys, name: string): Promise<LogKey> {
  const key = drawLogKey(sealingKeys, name);
  await addLogKey(client, key);
  return { ...key, isRetired: false };
}
