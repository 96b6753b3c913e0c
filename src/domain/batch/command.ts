// A ledger command: what it reads and what it decides. The ledger runs many commands in one transaction.
import type { IdempotencyKey } from '../intent.ts';
import type { Random } from '../random.ts';
import type { Refusal } from '../refusal.ts';
import type { TraceContext } from '../trace-context.ts';
import type { LedgerBatch, ReadSet } from './ledger-batch.ts';

/** One thing that can be done with money, free of I/O. */
export interface LedgerCommand<Intent, Outcome> {
  /** What the decision depends on. */
  readSet(intent: Intent, random: Random): ReadSet;
  /** How many movements of money it takes at most; 1 if left out. It bounds what shares a transaction. */
  weight?(intent: Intent): number;
  /**
   * Names a row that a crowd of calls locks at the same time. While a batch with calls of that name is under way, further ones
   * wait in the queue and then share the next batch: in a lane of their own they would wait for the row's lock.
   */
  hotRow?(intent: Intent): string;
  /** Decides, and changes the batch. Throws a Refusal, which leaves the batch as it was. */
  decide(intent: Intent, batch: LedgerBatch): Outcome;
}

/** The call that a command belongs to. */
export interface CallInfo {
  /** The id of the call in logs. */
  readonly id: string;
  /** When its caller stops waiting, in milliseconds since 1970; NO_DEADLINE for the system's own calls. */
  readonly deadlineMs: number;
  /** The API key that signed it; undefined for the system's own calls. */
  readonly keyId: string | undefined;
  /** Its RPC, such as `wallet.v2.TransferService/CreateTransfer`; undefined for the system's own calls. */
  readonly rpc: string | undefined;
  /**
   * When it was made: signed, in whole seconds since 1970 by its caller's clock, and received, by performance.now().
   * Undefined for the system's own calls: nobody repeats a refused job in another way, so its refusals leave no marks.
   */
  readonly made: { readonly signedAt: number; readonly receivedAt: number } | undefined;
  /** The address of its caller; left out for the system's own calls. */
  readonly clientAddress?: string;
  /** The trace that it belongs to; left out or undefined where it belongs to none. */
  readonly trace?: TraceContext | undefined;
}

/** The deadline of a call whose caller waits as long as it takes. */
export const NO_DEADLINE = Number.POSITIVE_INFINITY;

/** A call that the system makes by itself, for a job, as part of the job's trace. */
export function systemCall(id: string, trace?: TraceContext | undefined): CallInfo {
  return { id, deadlineMs: NO_DEADLINE, keyId: undefined, rpc: undefined, made: undefined, trace };
}

/** Executes one command and resolves once its decision is on disk. The ledger provides it. */
export type Execute = <Intent, Outcome>(
  command: LedgerCommand<Intent, Outcome>,
  intent: Intent,
  key: IdempotencyKey,
  call: CallInfo,
) => Promise<Outcome>;

/**
 * Finds out what one command of a user would be refused for at this moment, without doing it; undefined where it would be done. `view`
 * sees the batch before the decision. It takes no locks. The ledger provides it.
 */
export type Check = <Intent, Seen>(
  command: LedgerCommand<Intent, unknown>,
  intent: Intent,
  callerId: bigint,
  view: (batch: LedgerBatch) => Seen,
) => Promise<{ readonly seen: Seen; readonly refusal: Refusal | undefined }>;
