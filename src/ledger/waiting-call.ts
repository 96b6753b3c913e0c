// A call in the ledger's queue, and what a batch leaves unfinished.
import type { Call } from '../domain/batch/decide.ts';
import { Refusal } from '../domain/refusal.ts';
import type { LockedRow } from './locked-rows.ts';

/** A call that waits for its answer. */
export interface WaitingCall extends Call {
  /** When it joined the queue, by performance.now(). */
  readonly arrivedAt: number;
  /** How many movements of money it may take. */
  readonly weight: number;
  /** The row that it locks together with a crowd of others; undefined where it locks none such. */
  readonly hotRow: string | undefined;
  readonly resolve: (outcome: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** A row to wait for before anything else is locked, in Postgres' own queue. */
export interface WaitFor {
  readonly row: LockedRow;
  readonly withinMs: number;
}

/** A call that waits for a locked row, or for a wallet to be counted. */
export interface BlockedCall {
  readonly call: WaitingCall;
  /** The row's name, as rowNames() writes it. */
  readonly name: string;
  /** Undefined where the whole table is locked, or the wallet is counted. */
  readonly row: LockedRow | undefined;
}

/** What a batch could not finish. Nothing of the blocked and undetermined calls is done. */
export interface Unfinished {
  /** Calls that need a row which is known to be locked, or a wallet which is counted. */
  readonly blocked: readonly BlockedCall[];
  /** Calls of which at least one needs a locked row, and it is not known which. */
  readonly undetermined: readonly WaitingCall[];
  /** Answered calls that made Postgres refuse their batch: the next calls of their users may do the same. */
  readonly offenders: readonly WaitingCall[];
}

/** Refuses calls with UNAVAILABLE: a retry under the same key finds out what became of them. */
export function refuseUnavailable(calls: readonly WaitingCall[]): void {
  for (const call of calls) call.reject(new Refusal('UNAVAILABLE', { retryAfterMs: 1000 }));
}
