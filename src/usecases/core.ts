// What use cases depend on: the ledger, what can be read, and the limits that configuration sets.

import type { ApiKeys, Rooms, Users } from '../db/people/index.ts';
import type { SealedSecrets } from '../db/webhooks/index.ts';
import type { Check, Execute } from '../domain/batch/command.ts';
import type { SprinkleSeeds } from '../domain/fair-draw.ts';
import type { Quotas } from '../domain/quotas.ts';
import type { Random } from '../domain/random.ts';
import type { Micros } from '../domain/time.ts';
import type { SealingKeys } from '../keys/index.ts';
import type {
  AccountRepository,
  AdminRepositories,
  AnnotationRepository,
  EventRepository,
  HoldRepository,
  NonceRepository,
  PayoutRepository,
  ReceiptRepository,
  SprinkleRepository,
  StoredAnswerRepository,
  TransferRepository,
  WalletRepository,
  WatchRepository,
  WebhookRepository,
} from '../repositories/index.ts';
import type { AddressRules } from '../webhooks/index.ts';

/** What administering API keys depends on. */
export interface KeyAdmin {
  readonly apiKeys: ApiKeys;
  readonly sealingKeys: SealingKeys;
  /** What else is sealed under these keys; only who seals it again needs to name it. */
  readonly sealedElsewhere?: readonly SealedSecrets[];
  readonly random: Random;
  /** Announces to all processes that keys have changed. */
  announce(): Promise<void>;
  now(): Micros;
}

/** What admin.v1 depends on: a database login of its own, which no server behind the public edge has. */
export interface AdminCore extends AdminRepositories {
  readonly keyAdmin: KeyAdmin;
  readonly accounts: AccountRepository;
  /** Money is moved by the server's own login, as for every other call. */
  readonly money: Pick<Core, 'execute' | 'transfers'>;
}

/** What setting up webhooks depends on. */
export interface WebhookTools {
  readonly store: WebhookRepository;
  readonly sealingKeys: SealingKeys;
  readonly random: Random;
  readonly rules: AddressRules;
}

/** What the use cases of webhooks depend on. */
export type WebhookCore = Pick<Core, 'webhooks' | 'quotas'>;

/** What the use cases of the public API depend on. */
export interface Core {
  /** Executes a ledger command durably. */
  readonly execute: Execute;
  /** Finds out what a ledger command would be refused for. */
  readonly check: Check;
  /** Reveals the seeds of sprinkles that are over. */
  readonly seeds: Pick<SprinkleSeeds, 'open' | 'sha256'>;
  readonly wallets: WalletRepository;
  readonly transfers: TransferRepository;
  readonly sprinkles: SprinkleRepository;
  readonly holds: HoldRepository;
  readonly payouts: PayoutRepository;
  readonly events: EventRepository;
  readonly watches: WatchRepository;
  readonly annotations: AnnotationRepository;
  readonly storedAnswers: StoredAnswerRepository;
  readonly receipts: ReceiptRepository;
  readonly nonces: NonceRepository;
  readonly webhooks: WebhookTools;
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
