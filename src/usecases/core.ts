// What the use cases run on: the ledger, what can be read, and the limits that configuration sets.
import type { Rooms } from '../db/people/rooms.ts';
import type { Users } from '../db/people/users.ts';
import type { Pool } from '../db/pool.ts';
import type { Perform } from '../domain/verb.ts';

/** The parts below the use cases, wired together in app.ts. */
export interface Core {
  /** Does a verb of money, durably. */
  readonly perform: Perform;
  /** Connections for reading the ledger. */
  readonly reads: Pool;
  /** Connections for reading the transfers of months that were archived; undefined where none are. */
  readonly archive: Pool | undefined;
  readonly users: Users;
  readonly rooms: Rooms;
  readonly limits: {
    /** How long a sprinkle gives, in milliseconds. */
    readonly sprinkleLifetimeMs: number;
    /** How long its creator can look it up, in milliseconds. */
    readonly sprinkleLookupMs: number;
  };
}
