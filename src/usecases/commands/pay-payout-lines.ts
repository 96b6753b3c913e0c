// Pays lines of a payout from its pot, one by one, and stores the progress together with the money.

import { annotated, referencesOf } from '../../domain/batch/annotations.ts';
import type { LedgerCommand } from '../../domain/batch/command.ts';
import type { FailedLine } from '../../domain/batch/payouts.ts';
import { type IdempotencyKey, systemKey } from '../../domain/intent.ts';
import type { Payout, PayoutLine } from '../../domain/payout.ts';
import { Refusal } from '../../domain/refusal.ts';

/** Lines that are not settled yet. Lines of a running payout never change except by being settled. */
export interface PayLinesIntent {
  readonly payout: Payout;
  /** Consecutive lines, at least one. */
  readonly lines: readonly PayoutLine[];
}

/** The result; zeros if the payout no longer runs. */
export interface PaidLines {
  readonly paidCount: number;
  readonly failedCount: number;
}

/** Refuses nothing: a line that cannot be paid is marked as failed with its reason. */
export const payPayoutLines: LedgerCommand<PayLinesIntent, PaidLines> = {
  readSet: ({ payout, lines }) => ({
    payoutId: payout.id,
    references: lines.flatMap(
      ({ annotation }) => referencesOf('transfer', payout.ownerUserId, annotation) ?? [],
    ),
    accountIds: [
      payout.potAccountId,
      ...lines.flatMap(({ creditAccountId, reason }) =>
        creditAccountId && !reason ? [creditAccountId] : [],
      ),
    ],
  }),

  weight: ({ lines }) => lines.length,

  decide({ payout: { id }, lines }, batch) {
    const payout = batch.payouts.get(id);
    if (payout.state !== 'running') return { paidCount: 0, failedCount: 0 };
    const failed: FailedLine[] = [];
    let paidAmount = 0n;
    let paidCount = 0;
    for (const { line, creditAccountId, amount, memo, reason, annotation } of lines) {
      if (reason !== undefined || creditAccountId === undefined) continue;
      try {
        const [debit, credit] = [
          batch.accounts.get(payout.potAccountId),
          batch.accounts.get(creditAccountId),
        ];
        const potOwnerUserId = payout.ownerUserId;
        const movement = { kind: 'payout_line', debit, credit, amount, memo, potOwnerUserId } as const;
        if (!annotation) batch.transfers.post(movement);
        else
          batch.attempt(() => {
            const transfer = batch.transfers.post(movement);
            const posted = { transfer, debitUserId: undefined, creditUserId: credit.ownerUserId };
            annotated(batch, payout.ownerUserId, posted, annotation);
          });
        paidAmount += amount;
        paidCount += 1;
      } catch (error) {
        // What passes is no verdict on a line: the job tries all of them again.
        if (!(error instanceof Refusal) || error.reason === 'UNAVAILABLE') throw error;
        failed.push({ payoutId: id, line, reason: error.reason });
      }
    }
    const failedCount = lines.length - paidCount;
    const lastLine = lines.at(-1)?.line ?? 0;
    batch.payouts.settle(payout, { lastLine, paidCount, paidAmount, failedCount }, failed);
    return { paidCount, failedCount };
  },
};

/** The idempotency key of paying a payout's lines from one on: however often a job runs, it is done once. */
export function payLinesKey({ id }: Payout, firstLine: number): IdempotencyKey {
  return systemKey(`payout:${id}:${firstLine}`);
}

/** The idempotency key of a payout's end. */
export function finishKey({ id }: Payout): IdempotencyKey {
  return systemKey(`payout:${id}:end`);
}
