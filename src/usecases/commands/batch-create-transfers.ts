// Moves money many times in one call: all of it or none, or each transfer for itself.

import type { LedgerCommand } from '../../domain/batch/command.ts';
import type { LedgerBatch } from '../../domain/batch/ledger-batch.ts';
import { checkCount, MAX_ITEMS } from '../../domain/bounds.ts';
import { REASONS, type Reason } from '../../domain/reasons.ts';
import { Refusal, refuseField } from '../../domain/refusal.ts';
import type { Micros } from '../../domain/time.ts';
import { type CreateTransferIntent, createTransfer } from './create-transfer.ts';

/** What becomes of the other transfers when one is refused. */
export type BatchMode = 'all-or-nothing' | 'each';

/** The intent of the caller. */
export interface BatchTransfersIntent {
  readonly mode: BatchMode;
  readonly items: readonly CreateTransferIntent[];
}

/** What became of the items. It is kept under the idempotency key: only what the request does not say already. */
export interface BatchTransfersOutcome {
  /** When it happened, but for the items that say otherwise. */
  readonly at: Micros;
  /** The API key that signed; not there in answers from before this was noted. */
  readonly keyId?: string | undefined;
  /** In the order of the items. */
  readonly results: readonly ItemResult[];
}

/** What became of one item. */
export type ItemResult = PostedItem | RefusedItem;

/** Whether an item was posted. */
export function isPosted(result: ItemResult): result is PostedItem {
  return 'transferId' in result;
}

/** An item that was posted. */
export interface PostedItem {
  readonly transferId: string;
  /** When it happened, where that is not when the others did. */
  readonly at?: Micros;
  readonly creditWalletId: string;
  readonly creditUserId: bigint | undefined;
  /** Of the wallet it came from, right after it. */
  readonly balance: bigint;
}

/** An item that was refused and left no trace. */
export interface RefusedItem {
  readonly reason: Reason;
  /** The field that is wrong, as the caller calls it; the item itself where no one field is. */
  readonly field: string;
  readonly message: string;
}

/** Names an item as its caller does. */
export function itemField(index: number): string {
  return `items[${index}]`;
}

/** Refuses, in the mode all-or-nothing, what a transfer refuses, naming the item. */
export const batchCreateTransfers: LedgerCommand<BatchTransfersIntent, BatchTransfersOutcome> = {
  readSet: ({ items }) => ({ wallets: items.flatMap(({ from, to }) => [from, to]) }),

  weight: ({ items }) => items.length,

  decide({ mode, items }, batch) {
    checkCount(items.length, MAX_ITEMS, 'items');
    const results = items.map((item, index) => {
      try {
        return batch.attempt(() => post(item, batch));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        if (mode === 'all-or-nothing') throw naming(error, index);
        return refused(error, index);
      }
    });
    return { at: batch.at, keyId: batch.keyId, results };
  },
};

function post(item: CreateTransferIntent, batch: LedgerBatch): PostedItem {
  const { transfer: posted, creditUserId } = createTransfer.decide(item, batch);
  return {
    transferId: posted.id,
    ...(posted.createdAt !== batch.at && { at: posted.createdAt }),
    creditWalletId: posted.creditAccountId,
    creditUserId,
    balance: posted.debitBalanceAfter,
  };
}

/** A refusal over a field names it already, its item included; one over how things stand does not. */
function naming(refusal: Refusal, index: number): Refusal {
  return refusal.violations.length > 0 ? refusal : refuseField(refusal.reason, itemField(index));
}

function refused(refusal: Refusal, index: number): RefusedItem {
  const [violation] = refusal.violations;
  return {
    reason: refusal.reason,
    field: violation?.field ?? itemField(index),
    // As it is said now: the answer stays the same should the words change.
    message: (violation?.description ?? REASONS[refusal.reason]).en,
  };
}
