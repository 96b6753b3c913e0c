// The keys that sign the transparency log, from the command line.
import type { Pool } from '../../src/db/pool.ts';
import { addLogKey, type LogKey, listLogKeys, setRetired } from '../../src/db/transparency/index.ts';
import { drawLogKey, type SealingKeys } from '../../src/keys/index.ts';
import { SetupError } from './program.ts';

/** A key as it is shown: nothing of its private half. */
const shown = ({ keyId, verifier, isRetired }: Pick<LogKey, 'keyId' | 'verifier' | 'isRetired'>) => ({
  keyId,
  state: isRetired ? 'retired' : 'signing',
  publicKey: verifier,
});

/** All keys, oldest first. */
export async function showLogKeys(pool: Pool) {
  return (await listLogKeys(pool)).map(shown);
}

/**
 * Adds a key, which signs beside the others from the next checkpoint on, so that who verifies has time to get it. Throws a
 * SetupError where the log has no key yet: a worker makes the first.
 */
export async function rotateLogKey(pool: Pool, sealingKeys: SealingKeys) {
  const current = (await listLogKeys(pool)).findLast(({ isRetired }) => !isRetired);
  if (!current) throw new SetupError('the log has no key that signs; a worker makes the first one');
  const key = drawLogKey(sealingKeys, current.name);
  await addLogKey(pool, key);
  return { signsBeside: current.keyId, ...shown({ ...key, isRetired: false }) };
}

/** Ends a key for good. Throws a SetupError for an unknown one, and for the last one that signs. */
export async function retireLogKey(pool: Pool, keyId: string) {
  const keys = await listLogKeys(pool);
  const signing = keys.filter(({ isRetired }) => !isRetired);
  if (!signing.some((key) => key.keyId === keyId)) throw new SetupError(`no key "${keyId}" signs the log`);
  if (signing.length === 1) throw new SetupError('it is the only key that signs; rotate first');
  await setRetired(pool, keyId);
  return { retired: keyId };
}
