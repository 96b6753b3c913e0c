// What use cases depend on: the ledger, what can be read, and the limits that configuration sets.

import type { Tokens } from '../cached/tokens.ts';
import type { Wallets } from '../cached/wallets.ts';
import type { Lookout } from '../db/payouts/lookout.ts';
import type { ApiKeys } from '../db/people/api-keys.ts';
import type { Rooms } from '../db/people/rooms.ts';
import type { Users } from '../db/people/users.ts';
import type { Pool } from '../db/pool.ts';
import type { LookUp } from '../db/replica/look-ups.ts';
import type { Account } from '../domain/account.ts';
import type { Execute } from '../domain/batch/command.ts';
import type { Quotas } from '../domain/quotas.ts';
import type { Random } from '../domain/random.ts';
import type { Micros } from '../domain/time.ts';
import type { PostedTransfer } from '../domain/transfer.ts';
import type { SealingKeys } from '../keys/seal.ts';

/** What administering API keys depends on. */
export interface KeyAdmin {
  readonly apiKeys: ApiKeys;
  readonly sealingKeys: SealingKeys;
  readonly random: Random;
  /** Tells every process that keys have changed. */
  announce(): Promise<void>;
  now(): Micros;
}

/** What admin.v1 depends on: a database login of its own, which no server behind the public edge has. */
export interface AdminCore {
  readonly keyAdmin: KeyAdmin;
  readonly pool: Pool;
}

/** The parts below the use cases, wired together in app.ts. */
export interface Core {
  /** Executes a ledger command durably. */
  readonly execute: Execute;
  /** Connections for reading the ledger. */
  readonly reads: Pool;
  /** Does lists and lookups, on the replica where there is one; never balances, and nothing that money is decided by. */
  readonly lookUp: LookUp;
  readonly wallets: Wallets;
  /** A wallet's newest transfers: FIRST_TRANSFERS of them, or all where there are fewer. */
  readonly newestTransfers: (wallet: Account) => Promise<readonly PostedTransfer[]>;
  readonly tokens: Tokens;
  /** Connections for reading the transfers of months that were archived; undefined where none are. */
  readonly archive: Pool | undefined;
  /** Looks after payouts that are watched. */
  readonly payouts: Lookout;
  readonly users: Users;
  readonly rooms: Rooms;
  readonly quotas: Quotas;
  readonly limits: {
    /** How long a sprinkle gives, in milliseconds. */
    readonly sprinkleLifetimeMs: number;
    /** How long its creator can look it up, in milliseconds. */
    readonly sprinkleLookupMs: number;
  };
}
