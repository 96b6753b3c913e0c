// Posts many transfers in one call: all or none, or each on its own.

import { referencesOf } from '../../domain/batch/annotations.ts';
import type { LedgerCommand } from '../../domain/batch/command.ts';
import type { LedgerBatch } from '../../domain/batch/ledger-batch.ts';
import { checkCount, MAX_ITEMS } from '../../domain/bounds.ts';
import { REASONS, type Reason } from '../../domain/reasons.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Micros } from '../../domain/time.ts';
import { type CreateTransferIntent, createTransfer } from './create-transfer.ts';

/** Whether one refused transfer keeps the others from being posted. */
export type BatchMode = 'all-or-nothing' | 'each';

/** The intent of the caller. */
export interface BatchTransfersIntent {
  readonly mode: BatchMode;
  readonly items: readonly CreateTransferIntent[];
}

/** The results of the items. Stored under the idempotency key, so it has only what the request does not have already. */
export interface BatchTransfersOutcome {
  /** When the items were posted, except for those with a moment of their own. */
  readonly at: Micros;
  /** The API key that signed; missing in answers from before it was stored. */
  readonly keyId?: string | undefined;
  /** In the order of the items. */
  readonly results: readonly ItemResult[];
}

/** The result of one item. */
export type ItemResult = PostedItem | RefusedItem;

/** Whether an item was posted. */
export function isPosted(result: ItemResult): result is PostedItem {
  return 'transferId' in result;
}

/** An item that was posted. */
export interface PostedItem {
  readonly transferId: string;
  /** When it was posted, if not with the others. */
  readonly at?: Micros;
  readonly creditWalletId: string;
  readonly creditUserId: bigint | undefined;
  /** The paying wallet's balance right after it. */
  readonly balance: bigint;
}

/** An item that was refused and left no trace. */
export interface RefusedItem {
  readonly reason: Reason;
  /** The request field that is wrong; the item if it is no single field. */
  readonly field: string;
  readonly message: string;
}

/** The request field of an item. */
export function itemField(index: number): string {
  return `items[${index}]`;
}

/** In the mode all-or-nothing it refuses what a transfer refuses, naming the item. */
export const batchCreateTransfers: LedgerCommand<BatchTransfersIntent, BatchTransfersOutcome> = {
  readSet: ({ items }) => ({
    wallets: items.flatMap(({ from, to }) => [from, to]),
    references: items.flatMap(({ userId, annotation }) => referencesOf('transfer', userId, annotation) ?? []),
  }),

  weight: ({ items }) => items.length,

  decide({ mode, items }, batch) {
    checkCount(items.length, MAX_ITEMS, 'items');
    const results = items.map((item, index) => {
      try {
        return batch.attempt(() => post(item, batch));
      } catch (error) {
        // What passes is no result of an item, which would be stored for good: the call is repeated.
        if (!(error instanceof Refusal) || error.reason === 'UNAVAILABLE') throw error;
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

/** A refusal that names a field already names the item with it; others get the item as their field, and keep what else they say. */
function naming(refusal: Refusal, index: number): Refusal {
  const { reason, violations, metadata } = refusal;
  if (violations.length > 0) return refusal;
  return new Refusal(reason, {
    violations: [{ field: itemField(index), description: REASONS[reason] }],
    ...(metadata && { metadata }),
  });
}

function refused(refusal: Refusal, index: number): RefusedItem {
  const [violation] = refusal.violations;
  return {
    reason: refusal.reason,
    field: violation?.field ?? itemField(index),
    // The text of today: the stored answer stays the same if texts change.
    message: (violation?.description ?? REASONS[refusal.reason]).en,
  };
}
