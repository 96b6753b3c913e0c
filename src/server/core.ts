// What the use cases of a server run on.
import type { Cache } from '../cache/index.ts';
import type { People } from '../db/people/index.ts';
import type { Pool, ReadFromReplica } from '../db/pool.ts';
import type { Check, Execute } from '../domain/batch/command.ts';
import { SPRINKLE_LOOKUP_MS } from '../domain/sprinkle.ts';
import { createSprinkleSeeds } from '../keys/index.ts';
import {
  createAnnotationRepository,
  createEventRepository,
  createHoldRepository,
  createNonceRepository,
  createPayoutRepository,
  createReceiptRepository,
  createRoomRepository,
  createSprinkleRepository,
  createStoredAnswerRepository,
  createTransferRepository,
  createUserRepository,
  createWalletRepository,
  createWatchRepository,
  createWebhookRepository,
} from '../repositories/index.ts';
import { cryptoRandom } from '../runtime/crypto-random.ts';
import type { Core } from '../usecases/index.ts';
import type { ServerConfig } from './config.ts';

/** Where reads come from, and what executes commands. */
export interface CoreSources {
  readonly execute: Execute;
  readonly check: Check;
  readonly cache: Cache;
  readonly people: People;
  readonly primary: Pool;
  readonly readFromReplica: ReadFromReplica;
  readonly archive: Pool | undefined;
  /** Called when the feed names transfers that neither database has. */
  onMissingTransfers(ids: readonly string[]): void;
}

/** Creates the repositories, and sets the limits. */
export function createCore(
  {
    quotas,
    sprinkleLifetimeMs,
    keyEncryptionKeys,
    webhooksToLoopback,
  }: Pick<ServerConfig, 'quotas' | 'sprinkleLifetimeMs' | 'keyEncryptionKeys' | 'webhooksToLoopback'>,
  { execute, check, people, ...sources }: CoreSources,
): Core {
  const users = createUserRepository(sources.cache, people.users);
  return {
    execute,
    check,
    seeds: createSprinkleSeeds(keyEncryptionKeys),
    wallets: createWalletRepository(sources),
    transfers: createTransferRepository(sources),
    sprinkles: createSprinkleRepository(sources),
    holds: createHoldRepository(sources),
    payouts: createPayoutRepository(sources),
    events: createEventRepository(sources),
    watches: createWatchRepository(sources),
    annotations: createAnnotationRepository(sources),
    storedAnswers: createStoredAnswerRepository(sources),
    receipts: createReceiptRepository(sources),
    nonces: createNonceRepository(sources),
    webhooks: {
      store: createWebhookRepository(sources),
      sealingKeys: keyEncryptionKeys,
      random: cryptoRandom,
      rules: { allowsLoopback: webhooksToLoopback },
    },
    users,
    rooms: createRoomRepository(sources.cache, people.rooms, users),
    quotas,
    limits: { sprinkleLifetimeMs, sprinkleLookupMs: SPRINKLE_LOOKUP_MS },
  };
}
