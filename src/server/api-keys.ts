// The API keys that a server checks calls with, and what administers them by a login of its own.
import type { ApiKeys } from '../db/people/index.ts';
import { errorText } from '../domain/error-fields.ts';
import { MICROS_PER_MS } from '../domain/time.ts';
import { createKeyRing, type KeyRing } from '../keys/index.ts';
import { createAnnouncements, KEYS_CHANGED } from '../redis/index.ts';
import {
  type AccountSources,
  createAccountRepository,
  createAdminRepositories,
} from '../repositories/index.ts';
import { cryptoRandom } from '../runtime/crypto-random.ts';
import type { Resources } from '../runtime/index.ts';
import type { AdminCore } from '../usecases/index.ts';
import type { ServerConfig } from './config.ts';
import { ADMIN_CONNECTIONS } from './connections.ts';

/** The longest that a change of a key goes unnoticed without Redis, in milliseconds. */
const REFRESH_MS = 30_000;
/** How often counts of use are written, in milliseconds. */
const COUNT_USES_EVERY_MS = 5_000;

/** The keys that this process knows. */
export interface ServerKeys {
  readonly ring: KeyRing;
  /** Reads the keys again, and tells every other process to do so. */
  announce(): Promise<void>;
}

/** Reads all keys, and reads them again every `refreshMs` and whenever another process says that it changed one. */
export async function createServerKeys(
  { use, logs, metrics }: Resources,
  config: Pick<ServerConfig, 'keyEncryptionKeys' | 'redis'>,
  apiKeys: ApiKeys,
  refreshMs = REFRESH_MS,
): Promise<ServerKeys> {
  const warn = (message: string) => (error: unknown, keyId?: string) =>
    logs.app.warn({ reason: errorText(error), keyId }, message);
  const ring = use(
    await createKeyRing({
      apiKeys,
      sealingKeys: config.keyEncryptionKeys,
      refreshMs,
      countMs: COUNT_USES_EVERY_MS,
      onFault: warn('an API key cannot be used, or API keys cannot be read'),
    }),
  );
  metrics.states.apiKeyExpiry(() => ring.nextExpiry(Date.now() * MICROS_PER_MS));
  const refresh = () => ring.refresh().catch(warn('API keys cannot be read'));
  const announcements = use(createAnnouncements(config.redis, [KEYS_CHANGED], refresh));
  return {
    ring,
    announce: async () => {
      await refresh();
      await announcements.announce(KEYS_CHANGED);
    },
  };
}

/** Creates what admin.v1 works with; undefined where the server has no login for it. */
export async function createAdminCore(
  { createPool, createPeople }: Resources,
  {
    adminDatabaseUrl: url,
    keyEncryptionKeys,
    limitsTimeZone,
  }: Pick<ServerConfig, 'adminDatabaseUrl' | 'keyEncryptionKeys' | 'limitsTimeZone'>,
  { announce }: ServerKeys,
  { money, ...sources }: Omit<AccountSources, 'admin'> & Pick<AdminCore, 'money'>,
): Promise<AdminCore | undefined> {
  if (url === undefined) return undefined;
  const { apiKeys } = await createPeople({ url, maxConnections: ADMIN_CONNECTIONS });
  const pool = createPool('admin', { url, maxConnections: ADMIN_CONNECTIONS });
  return {
    keyAdmin: {
      apiKeys,
      sealingKeys: keyEncryptionKeys,
      random: cryptoRandom,
      now: () => Date.now() * MICROS_PER_MS,
      announce,
    },
    money,
    accounts: createAccountRepository({ admin: pool, ...sources }),
    ...createAdminRepositories(pool, { limitsTimeZone }),
  };
}
