// API keys for tests, put straight into a test's database.

import { hmacKey } from '../clients/typescript/src/headers.ts';
import type { SigningKey } from '../clients/typescript/src/signature.ts';
import { plainKey } from '../scripts/cli/key-admin.ts';
import { createPeople } from '../src/db/people/index.ts';
import { SCOPES } from '../src/domain/api-key.ts';
import { cryptoRandom } from '../src/runtime/crypto-random.ts';
import { type CreateKeyInput, createApiKey } from '../src/usecases/commands/api-keys.ts';
import type { TestDatabase } from './stack.ts';

/** What seals secrets in tests; serverEnv() tells the servers the same. */
export const SEALING_KEY = { id: 'test', key: Buffer.alloc(32, 7) };

/** Makes a key that may do everything for anybody, unless told otherwise. */
export async function makeKey(
  database: Pick<TestDatabase, 'adminUrl'>,
  wish: Partial<CreateKeyInput> = {},
): Promise<SigningKey> {
  const { apiKeys, [Symbol.asyncDispose]: close } = createPeople({
    url: database.adminUrl,
    maxConnections: 1,
  });
  const keyAdmin = {
    apiKeys,
    sealingKeys: [SEALING_KEY] as const,
    random: cryptoRandom,
    announce: async () => {},
    now: () => Date.now() * 1000,
  };
  const everything = plainKey('a test', SCOPES);
  try {
    const { key, secret } = await createApiKey(keyAdmin, { ...everything, ...wish }, undefined);
    return hmacKey(key.id, secret ?? '');
  } finally {
    await close();
  }
}
