// What the ledger works with, and whom it tells what its batches do.
import type { Pool } from 'pg';
import type { Account } from '../domain/account.ts';
import type { CallInfo } from '../domain/batch/command.ts';
import type { SprinkleSeeds } from '../domain/fair-draw.ts';
import type { KnownPolicies } from '../domain/limit-policy.ts';
import type { Random } from '../domain/random.ts';
import type { Sprinkle } from '../domain/sprinkle.ts';
import type { TraceContext } from '../domain/trace-context.ts';
import type { Transfer } from '../domain/transfer.ts';
import type { UncountedWallets } from './uncounted-wallets.ts';

/** A transfer that was posted, and the call that it belongs to. */
export interface Posted {
  readonly transfer: Transfer;
  readonly requestId: string;
  readonly trace: TraceContext | undefined;
}

/** What a batch put on disk. */
export interface Committed {
  readonly posted: readonly Posted[];
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
  /** A wallet could not be counted, so calls that need it are refused. */
  countingFailed?(walletId: string, error: unknown): void;
  /** A batch could not reach the database. */
  unreachable(error: Error): void;
}

/** Makes the spans of batches. */
export interface BatchTracer {
  /** Runs a batch, in a span of its own if the trace of one of its calls is sampled. */
  batch<T>(
    calls: readonly { readonly info: CallInfo; readonly arrivedAt: number }[],
    run: () => Promise<T>,
  ): Promise<T>;
}

/** For a ledger without a cache. */
export const NO_CACHE = async (): Promise<AfterCommit> => () => undefined;

/** What the ledger works with. */
export interface LedgerTools {
  readonly pool: Pool;
  readonly random: Random;
  /** Left out where sprinkles are neither made nor claimed. */
  readonly seeds?: SprinkleSeeds;
  /** Called before each commit, which waits for it. If it rejects, nothing is committed. */
  readonly beforeCommit: (changes: Changes) => Promise<AfterCommit>;
  /** Called after the commit and before the calls are answered. It must not throw. */
  readonly onCommit: (committed: Committed) => void;
  readonly observer?: LedgerObserver;
  /** Left out or undefined where no spans are exported. */
  readonly tracer?: BatchTracer | undefined;
}

/** What batches work with. */
export interface BatchTools extends LedgerTools {
  /** What this ledger knows of the policies in force. */
  readonly policies: KnownPolicies;
  /** The wallets that it counts outside of batches. */
  readonly uncounted: UncountedWallets;
}
