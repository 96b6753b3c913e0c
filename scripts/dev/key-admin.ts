// Looks after the API keys of a database from the command line, without a server in between.
import { randomBytes, randomUUID } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { appendActs } from '../../src/db/audit.ts';
import { createPeople } from '../../src/db/people/index.ts';
import { createPool } from '../../src/db/pool.ts';
import type { Act } from '../../src/domain/act.ts';
import { errorText } from '../../src/domain/error-fields.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import type { SealingKeys } from '../../src/keys/seal.ts';
import { createAnnouncements, KEYS_CHANGED } from '../../src/redis/index.ts';
import { cryptoRandom } from '../../src/runtime/crypto-random.ts';
import { ConfigError, readVariables } from '../../src/runtime/env.ts';
import { sealingKeys } from '../../src/runtime/variable-kinds.ts';
import { getApiKey, type KeyAdmin } from '../../src/usecases/index.ts';
import { loadSecret } from './files.ts';
import { SetupError } from './program.ts';

/** Where the keys are. */
export interface KeyAdminConfig {
  /** A login with the rights of ppuri_admin. */
  readonly adminDatabaseUrl: string;
  readonly redisUrl: string;
  /** As KEY_ENCRYPTION_KEYS has them. */
  readonly keyEncryptionKeys: string;
}

/** The key-encryption key of a data folder; made at the first start and kept. */
export function loadKeyEncryptionKeys(dataDir: string): string {
  return loadSecret(
    join(dataDir, 'key-encryption.secret'),
    () => `dev:${randomBytes(32).toString('base64')}`,
  );
}

/** What is done, for the audit trail. */
export interface KeyCommand {
  /** The command as it was typed, without its options: `keys rotate`. */
  readonly command: string;
  /** The key that it is about; empty where it is about none yet. */
  readonly keyId: string;
}

/** Does something with the keys of a place, and tells the audit trail before and after it. */
export async function withKeyAdmin<T>(
  place: KeyAdminConfig,
  about: KeyCommand,
  work: (admin: KeyAdmin) => Promise<T>,
): Promise<T> {
  const pool = createPool({
    url: place.adminDatabaseUrl,
    maxConnections: 1,
    statementTimeoutMs: 10_000,
    onIdleError: (error) => console.error(errorText(error)),
  });
  const people = createPeople({ url: place.adminDatabaseUrl, maxConnections: 2 });
  const announcements = createAnnouncements(place.redisUrl, [], () => {});
  const admin: KeyAdmin = {
    apiKeys: people.apiKeys,
    sealingKeys: sealingKeysIn(place.keyEncryptionKeys),
    random: cryptoRandom,
    announce: () => announcements.announce(KEYS_CHANGED),
    now: () => Date.now() * 1000,
  };
  try {
    return await auditedCommand(admin, (act) => appendActs(pool, [act]), about, work);
  } finally {
    announcements[Symbol.dispose]();
    await Promise.all([people[Symbol.asyncDispose](), pool.end()]);
  }
}

function sealingKeysIn(text: string): SealingKeys {
  const variables = { keys: sealingKeys('KEY_ENCRYPTION_KEYS', 'What seals the secrets of API keys.') };
  try {
    return readVariables(variables, { KEY_ENCRYPTION_KEYS: text }).keys;
  } catch (error) {
    throw error instanceof ConfigError ? new SetupError(error.message) : error;
  }
}

/** Does the work between two lines of the trail. Throws without doing it where the first cannot be written. */
export async function auditedCommand<T>(
  admin: KeyAdmin,
  record: (act: Act) => Promise<void>,
  { command, keyId }: KeyCommand,
  work: (admin: KeyAdmin) => Promise<T>,
): Promise<T> {
  const line = {
    actId: randomUUID(),
    keyId: '',
    actor: `command-line:${userInfo().username}@${hostname()}`,
    clientAddress: '',
    rpc: command,
    target: keyId,
    reason: '',
    requestId: '',
    count: 1,
  };
  const stateOf = async (id: string) => (id === '' ? undefined : getApiKey(admin, id).catch(() => undefined));
  await record({ ...line, outcome: 'attempted' });
  const before = await stateOf(keyId);
  try {
    const result = await work(admin);
    const target = keyId || madeBy(result);
    await record({ ...line, target, outcome: 'done', before, after: await stateOf(target) });
    return result;
  } catch (error) {
    const isRefusal = error instanceof Refusal;
    await record({
      ...line,
      outcome: isRefusal ? 'refused' : 'failed',
      reason: isRefusal ? error.reason : errorText(error),
      before,
    });
    throw error;
  }
}

function madeBy(result: unknown): string {
  return (result as { readonly key?: { readonly id?: string } } | undefined)?.key?.id ?? '';
}
