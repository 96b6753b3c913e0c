// Ends a sprinkle for its creator, who gets back what is left of it.

import type { CallInfo, LedgerCommand } from '../../domain/batch/command.ts';
import type { IdempotencyKey } from '../../domain/intent.ts';
import { refuseField } from '../../domain/refusal.ts';
import { checkLive, type Sprinkle } from '../../domain/sprinkle.ts';
import type { Core } from '../core.ts';
import { resolveAndExecute } from './resolve-and-execute.ts';

/** The sprinkle. Only its id and accounts are used, which never change. */
interface CancelSprinkleIntent {
  readonly sprinkle: Sprinkle;
}

/** A sprinkle that was cancelled. */
export interface CancelledSprinkle {
  readonly sprinkle: Sprinkle;
  /** What went back, in the smallest unit of its currency. */
  readonly refunded: bigint;
  /** The balance of the wallet that paid for it right after. */
  readonly balance: bigint;
}

/** It takes the lock of the pot, so a claim, the expiry and this are done one after the other. */
const cancelSprinkleCommand: LedgerCommand<CancelSprinkleIntent, CancelledSprinkle> = {
  readSet: ({ sprinkle: { id, potAccountId, sourceAccountId } }) => ({
    sprinkleId: id,
    accountIds: [potAccountId, sourceAccountId],
  }),

  decide({ sprinkle: { id, potAccountId, sourceAccountId } }, batch) {
    checkLive(batch.sprinkles.get(id), batch.at);
    const debit = batch.accounts.get(potAccountId);
    const credit = batch.accounts.get(sourceAccountId);
    const amount = debit.balance;
    const { creditBalanceAfter } = batch.transfers.post({
      kind: 'refund',
      debit,
      credit,
      amount,
      sprinkleId: id,
    });
    return { sprinkle: batch.sprinkles.cancel(id), refunded: amount, balance: creditBalanceAfter };
  },
};

/**
 * Cancels a sprinkle of the acting user. Refuses SPRINKLE_NOT_FOUND, SPRINKLE_EMPTY, SPRINKLE_EXPIRED, SPRINKLE_CANCELLED,
 * BALANCE_TOO_HIGH.
 */
export function cancelSprinkle(
  core: Core,
  userId: bigint,
  place: { readonly roomId: string; readonly id: string },
  key: IdempotencyKey,
  call: CallInfo,
): Promise<CancelledSprinkle> {
  const find = async () => {
    const sprinkle = await core.sprinkles.find(place.roomId, place.id);
    if (sprinkle?.creatorUserId !== userId) throw refuseField('SPRINKLE_NOT_FOUND', 'sprinkle_id');
    return { sprinkle };
  };
  return resolveAndExecute(core, cancelSprinkleCommand, find, key, call);
}
