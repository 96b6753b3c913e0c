// Reads API keys, without their secrets.
import type { StoredKey } from '../../db/people/index.ts';
import type { ApiKey } from '../../domain/api-key.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { KeyAdmin } from '../core.ts';

/** All keys, newest first. */
export async function listApiKeys(admin: KeyAdmin): Promise<ApiKey[]> {
  return (await admin.apiKeys.list()).map(withoutSecrets);
}

/** Refuses KEY_NOT_FOUND. */
export async function getApiKey(admin: KeyAdmin, id: string): Promise<ApiKey> {
  return withoutSecrets(await findApiKey(admin, id));
}

/** A key with its encrypted secret or public key. Refuses KEY_NOT_FOUND. */
export async function findApiKey(admin: KeyAdmin, id: string): Promise<StoredKey> {
  const key = await admin.apiKeys.find(id);
  if (!key) throw refuseField('KEY_NOT_FOUND', 'key_id');
  return key;
}

/** A key without its secret and public key, which no caller may see, encrypted or not. */
export function withoutSecrets({ sealedSecret: _sealed, publicKey: _public, ...key }: StoredKey): ApiKey {
  return key;
}
