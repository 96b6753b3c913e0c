// What the use cases of a server run on.
import type { Cache } from '../cache/index.ts';
import type { People } from '../db/people/index.ts';
import type { Pool, ReadFromReplica } from '../db/pool.ts';
import type { Execute } from '../domain/batch/command.ts';
import { SPRINKLE_LOOKUP_MS } from '../domain/sprinkle.ts';
import {
  createNonceRepository,
  createPayoutRepository,
  createRoomRepository,
  createSprinkleRepository,
  createStoredAnswerRepository,
  createTransferRepository,
  createUserRepository,
  createWalletRepository,
} from '../repositories/index.ts';
import type { Core } from '../usecases/index.ts';
import type { ServerConfig } from './config.ts';

/** Where reads come from, and what executes commands. */
export interface CoreSources {
  readonly execute: Execute;
  readonly cache: Cache;
  readonly people: People;
  readonly primary: Pool;
  readonly readFromReplica: ReadFromReplica;
  readonly archive: Pool | undefined;
}

/** Creates the repositories, and sets the limits. */
export function createCore(
  { quotas, sprinkleLifetimeMs }: Pick<ServerConfig, 'quotas' | 'sprinkleLifetimeMs'>,
  { execute, people, ...sources }: CoreSources,
): Core {
  const users = createUserRepository(sources.cache, people.users);
  return {
    execute,
    wallets: createWalletRepository(sources),
    transfers: createTransferRepository(sources),
    sprinkles: createSprinkleRepository(sources),
    payouts: createPayoutRepository(sources),
    storedAnswers: createStoredAnswerRepository(sources),
    nonces: createNonceRepository(sources),
    users,
    rooms: createRoomRepository(sources.cache, people.rooms, users),
    quotas,
    limits: { sprinkleLifetimeMs, sprinkleLookupMs: SPRINKLE_LOOKUP_MS },
  };
}
