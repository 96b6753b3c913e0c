// What use cases depend on: the ledger, what can be read, and the limits that configuration sets.

import type { ApiKeys, Rooms, Users } from '../db/people/index.ts';
import type { Execute } from '../domain/batch/command.ts';
import type { Quotas } from '../domain/quotas.ts';
import type { Random } from '../domain/random.ts';
import type { Micros } from '../domain/time.ts';
import type { SealingKeys } from '../keys/index.ts';
import type {
  AdminRepositories,
  NonceRepository,
  PayoutRepository,
  SprinkleRepository,
  StoredAnswerRepository,
  TransferRepository,
  WalletRepository,
} from '../repositories/index.ts';

/** What administering API keys depends on. */
export interface KeyAdmin {
  readonly apiKeys: ApiKeys;
  readonly sealingKeys: SealingKeys;
  readonly random: Random;
  /** Announces to all processes that keys have changed. */
  announce(): Promise<void>;
  now(): Micros;
}

/** What admin.v1 depends on: a database login of its own, which no server behind the public edge has. */
export interface AdminCore extends AdminRepositories {
  readonly keyAdmin: KeyAdmin;
}

/** What the use cases of the public API depend on. */
export interface Core {
  /** Executes a ledger command durably. */
  readonly execute: Execute;
  readonly wallets: WalletRepository;
  readonly transfers: TransferRepository;
  readonly sprinkles: SprinkleRepository;
  readonly payouts: PayoutRepository;
  readonly storedAnswers: StoredAnswerRepository;
  readonly nonces: NonceRepository;
  readonly users: Users;
  readonly rooms: Rooms;
  readonly quotas: Quotas;
  readonly limits: {
    /** How long a sprinkle can be claimed, in milliseconds. */
    readonly sprinkleLifetimeMs: number;
    /** How long its creator can look it up, in milliseconds. */
    readonly sprinkleLookupMs: number;
  };
}
