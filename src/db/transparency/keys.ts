// The keys that sign checkpoints.
import type { Reader } from '../pool.ts';
import type { SealedSecrets } from '../webhooks/index.ts';

/** A key of the log. */
export interface LogKey {
  /** In hexadecimal. */
  readonly keyId: string;
  readonly name: string;
  /** The text that verifiers are given. */
  readonly verifier: string;
  /** As src/keys/ seals it for the owner `keyId`. */
  readonly sealedPrivateKey: string;
  readonly isRetired: boolean;
}

const LIST = `
  SELECT key_id AS "keyId", name, verifier, sealed_private_key AS "sealedPrivateKey", retired_at IS NOT NULL AS "isRetired"
  FROM transparency_keys ORDER BY created_at, key_id`;
const VERIFIERS = 'SELECT verifier FROM transparency_keys ORDER BY created_at DESC, key_id';
const ADD = `
  INSERT INTO transparency_keys (key_id, name, verifier, sealed_private_key) VALUES ($1, $2, $3, $4)`;
const RETIRE = `
  UPDATE transparency_keys SET retired_at = clock_timestamp() WHERE key_id = $1 AND retired_at IS NULL`;
const RESEAL = `
  UPDATE transparency_keys SET sealed_private_key = $3 WHERE key_id = $1 AND sealed_private_key = $2`;

/** All keys, oldest first. */
export async function listLogKeys(db: Reader): Promise<LogKey[]> {
  return (await db.query<LogKey & { keyId: string }>({ name: 'log-keys', text: LIST, values: [] })).rows;
}

/** The public keys, newest first, those of retired keys too: old checkpoints are verified by them. */
export async function listVerifiers(db: Reader): Promise<string[]> {
  const { rows } = await db.query<{ verifier: string }>({ name: 'verifiers', text: VERIFIERS, values: [] });
  return rows.map(({ verifier }) => verifier);
}

/** Stores a new key, which signs from the next checkpoint on. */
export async function addLogKey(db: Reader, key: Omit<LogKey, 'isRetired'>): Promise<void> {
  const { keyId, name, verifier, sealedPrivateKey } = key;
  await db.query({ name: 'add-log-key', text: ADD, values: [keyId, name, verifier, sealedPrivateKey] });
}

/** Ends a key for good; false where there is none with this id that signs. */
export async function setRetired(db: Reader, keyId: string): Promise<boolean> {
  return (await db.query({ name: 'retire-log-key', text: RETIRE, values: [keyId] })).rowCount === 1;
}

/** The private keys, for sealing them again under another key-encryption key. */
export function sealedLogKeys(db: Reader): SealedSecrets {
  return {
    list: async () =>
      (await listLogKeys(db)).map(({ keyId, sealedPrivateKey }) => ({
        owner: keyId,
        sealed: sealedPrivateKey,
      })),
    replace: async (keyId, old, sealed) => {
      await db.query({ name: 'reseal-log-key', text: RESEAL, values: [keyId, old, sealed] });
    },
  };
}
