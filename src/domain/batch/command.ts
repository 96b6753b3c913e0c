// A ledger command: what it reads and what it decides. The ledger runs many commands in one transaction.
import type { IdempotencyKey } from '../intent.ts';
import type { Random } from '../random.ts';
import type { LedgerBatch, ReadSet } from './ledger-batch.ts';

/** One thing that can be done with money, free of I/O. */
export interface LedgerCommand<Intent, Outcome> {
  /** What the decision depends on. */
  readSet(intent: Intent, random: Random): ReadSet;
  /** How many movements of money it may take; 1 where it does not say. What shares a transaction is bounded by it. */
  weight?(intent: Intent): number;
  /** Decides, and changes the batch. Throws a Refusal, which leaves the batch as it was. */
  decide(intent: Intent, batch: LedgerBatch): Outcome;
}

/** The call that a command belongs to. */
export interface CallInfo {
  /** What logs know the call by. */
  readonly id: string;
  /** When nobody waits for its answer any more, in milliseconds since 1970; infinity where somebody always does. */
  readonly deadlineMs: number;
  /** The API key that signed it; undefined where no caller did. */
  readonly keyId: string | undefined;
  /** Its RPC, `wallet.v2.TransferService/CreateTransfer`; undefined where it is the system's own. */
  readonly rpc: string | undefined;
  /**
   * When it was made: signed, in whole seconds since 1970 by its caller's clock, and received, by performance.now().
   * Undefined where it is the system's own: nobody pays a job's refusal in another way, so it leaves no mark.
   */
  readonly made: { readonly signedAt: number; readonly receivedAt: number } | undefined;
  /** Where it came from; left out where no caller did. */
  readonly clientAddress?: string;
}

/** A call that nobody waits for with a clock in hand: the system's own. */
export function systemCall(id: string): CallInfo {
  return { id, deadlineMs: Number.POSITIVE_INFINITY, keyId: undefined, rpc: undefined, made: undefined };
}

/** Does one command: the answer arrives once what was decided is on disk. Provided by the ledger. */
export type Execute = <Intent, Outcome>(
  command: LedgerCommand<Intent, Outcome>,
  intent: Intent,
  key: IdempotencyKey,
  call: CallInfo,
) => Promise<Outcome>;
