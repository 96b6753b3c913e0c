// Pays back to its creator what is left of a sprinkle whose time is over.

import type { LedgerCommand } from '../../domain/batch/command.ts';
import { InvariantError } from '../../domain/error-fields.ts';
import type { IdempotencyKey } from '../../domain/intent.ts';
import { refundDue, type Sprinkle } from '../../domain/sprinkle.ts';
import type { Micros } from '../../domain/time.ts';

/** Which sprinkle. What is used of it never changes: its id, its accounts, its end. */
export interface RefundSprinkleIntent {
  readonly sprinkle: Sprinkle;
}

/** What came of it. */
export interface RefundedSprinkle {
  /** In the smallest unit of the sprinkle's currency; zero when nothing was left. */
  readonly amount: bigint;
  /** When it was decided. */
  readonly at: Micros;
}

/**
 * Refuses BALANCE_TOO_HIGH. Throws while the sprinkle is live: an answer would be kept, and the refund would then never
 * happen.
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

/** The system's own user, under whom keys of jobs are kept; no caller can act for it. */
const SYSTEM_USER_ID = 0n;

/** The name of a sprinkle's refund in the ledger: however often the job runs, it happens once. */
export function refundKey(sprinkle: Sprinkle): IdempotencyKey {
  // There is only one request under this name, so its digest says nothing.
  return { userId: SYSTEM_USER_ID, key: `refund:${sprinkle.id}`, fingerprint: '00' };
}
