// Refunds what is left of an expired sprinkle to its creator.

import type { LedgerCommand } from '../../domain/batch/command.ts';
import { InvariantError } from '../../domain/error-fields.ts';
import { type IdempotencyKey, systemKey } from '../../domain/intent.ts';
import { refundDue, type Sprinkle } from '../../domain/sprinkle.ts';
import type { Micros } from '../../domain/time.ts';

/** The sprinkle. Only its id, accounts and expiry are used, which never change. */
export interface RefundSprinkleIntent {
  readonly sprinkle: Sprinkle;
}

/** The result. */
export interface RefundedSprinkle {
  /** In the smallest unit of the sprinkle's currency; zero if nothing was left. */
  readonly amount: bigint;
  /** When it was decided. */
  readonly at: Micros;
}

/**
 * Refuses BALANCE_TOO_HIGH. Throws while the sprinkle is live: an answer would be stored, and the refund would never happen.
 */
export const refundSprinkle: LedgerCommand<RefundSprinkleIntent, RefundedSprinkle> = {
  readSet: ({ sprinkle }) => ({ accountIds: [sprinkle.potAccountId, sprinkle.sourceAccountId] }),

  decide({ sprinkle }, batch) {
    if (batch.at < sprinkle.expiresAt) throw new InvariantError(`sprinkle ${sprinkle.id} is still live`);
    const pot = batch.accounts.get(sprinkle.potAccountId);
    const amount = refundDue(sprinkle, pot, batch.at);
    if (amount > 0n) {
      const credit = batch.accounts.get(sprinkle.sourceAccountId);
      batch.transfers.post({ kind: 'refund', debit: pot, credit, amount, sprinkleId: sprinkle.id });
      batch.sprinkles.refund(sprinkle.id);
    }
    return { amount, at: batch.at };
  },
};

/** The idempotency key of a sprinkle's refund: however often the job runs, it is done once. */
export function refundKey(sprinkle: Sprinkle): IdempotencyKey {
  return systemKey(`refund:${sprinkle.id}`);
}
