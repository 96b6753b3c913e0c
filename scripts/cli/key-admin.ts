// Manages the API keys of a database from the command line, without a server.
import { randomBytes, randomUUID } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { appendActs } from '../../src/db/audit.ts';
import { createPeople } from '../../src/db/people/index.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { sealedLogKeys } from '../../src/db/transparency/index.ts';
import { sealedWebhookKeys } from '../../src/db/webhooks/index.ts';
import type { Act } from '../../src/domain/act.ts';
import type { Scope } from '../../src/domain/api-key.ts';
import { errorText } from '../../src/domain/error-fields.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import type { SealingKeys } from '../../src/keys/index.ts';
import { createAnnouncements, KEYS_CHANGED, type RedisAddress } from '../../src/redis/index.ts';
import { cryptoRandom } from '../../src/runtime/crypto-random.ts';
import { ConfigError, readVariables } from '../../src/runtime/env.ts';
import { sealingKeys } from '../../src/runtime/variable-kinds.ts';
import { type CreateKeyInput, getApiKey, type KeyAdmin } from '../../src/usecases/index.ts';
import { loadSecret } from '../dev/files.ts';
import { SetupError } from './program.ts';

/** Where the keys are stored. */
export interface KeyAdminConfig {
  /** A login with the rights of ppuri_admin. */
  readonly adminDatabaseUrl: string;
  readonly redis: RedisAddress;
  /** As KEY_ENCRYPTION_KEYS has them. */
  readonly keyEncryptionKeys: string;
}

/** The key-encryption key of a data folder; the first start creates it. */
export function loadKeyEncryptionKeys(dataDir: string): string {
  return loadSecret(
    join(dataDir, 'key-encryption.secret'),
    () => `dev:${randomBytes(32).toString('base64')}`,
  );
}

/** A command, for the audit trail. */
export interface KeyCommand {
  /** The command without its options: `keys rotate`. */
  readonly command: string;
  /** The id of its key; empty when there is none yet. */
  readonly keyId: string;
}

/** A key with a secret, for any user, from any network, at the rate and for the time that keys have by default. */
export const plainKey = (displayName: string, scopes: readonly Scope[]): CreateKeyInput => ({
  displayName,
  kind: 'hmac-sha256',
  publicKey: '',
  scopes,
  userId: undefined,
  allowedNetworks: [],
  ratePerSecond: undefined,
  activeFrom: undefined,
  expiresAt: undefined,
});

/** Runs `work` on the keys, with an entry in the audit trail before and after it. */
export async function withKeyAdmin<T>(
  config: KeyAdminConfig,
  about: KeyCommand,
  work: (admin: KeyAdmin, pool: Pool) => Promise<T>,
): Promise<T> {
  const pool = createPool({
    url: config.adminDatabaseUrl,
    maxConnections: 1,
    statementTimeoutMs: 10_000,
    onIdleError: (error) => console.error(errorText(error)),
  });
  const people = createPeople({ url: config.adminDatabaseUrl, maxConnections: 2 });
  const announcements = createAnnouncements(config.redis, [], () => {});
  const admin: KeyAdmin = {
    apiKeys: people.apiKeys,
    sealingKeys: sealingKeysIn(config.keyEncryptionKeys),
    sealedElsewhere: [sealedWebhookKeys(pool), sealedLogKeys(pool)],
    random: cryptoRandom,
    announce: () => announcements.announce(KEYS_CHANGED),
    now: () => Date.now() * 1000,
  };
  try {
    return await auditedCommand(
      admin,
      (act) => appendActs(pool, [act]),
      about,
      (same) => work(same, pool),
    );
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

/** Writes an entry, does the work, and writes an entry with the result. Throws before the work if the first one fails. */
async function auditedCommand<T>(
  admin: KeyAdmin,
  record: (act: Act) => Promise<void>,
  { command, keyId }: KeyCommand,
  work: (admin: KeyAdmin) => Promise<T>,
): Promise<T> {
  const line = {
    actId: randomUUID(),
    keyId: '',
    actor: `command-line:${userName()}@${hostname()}`,
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
    const target = keyId || createdKeyId(result);
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

/** The user's name, or number where there is no name for it, as in a container that runs as some number. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.());
  }
}

function createdKeyId(result: unknown): string {
  return (result as { readonly key?: { readonly id?: string } } | undefined)?.key?.id ?? '';
}
