// What the ledger works with, and whom it tells what its batches do.
import type { Pool } from 'pg';
import type { Account } from '../domain/account.ts';
import type { Random } from '../domain/random.ts';
import type { Sprinkle } from '../domain/sprinkle.ts';
import type { Transfer } from '../domain/transfer.ts';

/** What a batch put on disk. */
export interface Committed {
  readonly posted: readonly { readonly transfer: Transfer; readonly requestId: string }[];
  /** The accounts that changed, as they are now. */
  readonly accounts: readonly Account[];
}

/** What a batch changes, once it is committed. */
export interface Changes {
  readonly accounts: readonly Account[];
  /**
   * Accounts that it locked for calls which got a stored answer. What that answer tells may have become visible only now,
   * long after its own batch, and a cache entry from in between must not outlive this answer.
   */
  readonly restated: readonly Account[];
  readonly newSprinkles: readonly Sprinkle[];
}

/** What remains to be done between the commit and the answers; undefined if there is nothing to wait for. */
export type AfterCommit = () => Promise<void> | undefined;

/** Receives the figures of batches, for metrics. All times are in seconds. No method may throw. */
export interface BatchObserver {
  /** A call left the queue for a batch after this wait. */
  waited(seconds: number): void;
  /** A batch of this size has answered all of its calls. */
  batched(size: number, seconds: number): void;
  /** A batch is on disk; its COMMIT alone took this long. */
  committed(seconds: number): void;
  /** A batch conflicted with another one; it runs again, or is given up. */
  conflicted(isGivenUp: boolean): void;
}

/** Receives faults as well, for logs and health. */
export interface LedgerObserver extends BatchObserver {
  /** Calls were refused because the last transfers of these accounts are dated too far ahead of the clock. */
  tooFarAhead?(accountIds: readonly string[]): void;
  /** Calls were refused because this month, such as 2026-11, has no partition for its transfers. */
  monthMissing?(month: string): void;
  /** A batch could not reach the database. */
  unreachable(error: Error): void;
}

/** For a ledger without a cache. */
export const NO_CACHE = async (): Promise<AfterCommit> => () => undefined;

/** What the ledger works with. */
export interface LedgerTools {
  readonly pool: Pool;
  readonly random: Random;
  /** Called before each commit, which waits for it. If it rejects, nothing is committed. */
  readonly beforeCommit: (changes: Changes) => Promise<AfterCommit>;
  /** Called after the commit and before the calls are answered. It must not throw. */
  readonly onCommit: (committed: Committed) => void;
  readonly observer?: LedgerObserver;
}
