// Pays lines of a payout from its pot, each for itself, and notes how far it got together with the money.

import type { LedgerCommand } from '../../domain/batch/command.ts';
import type { FailedLine } from '../../domain/batch/payouts.ts';
import type { IdempotencyKey } from '../../domain/intent.ts';
import type { Payout, PayoutLine } from '../../domain/payout.ts';
import { Refusal } from '../../domain/refusal.ts';

/** Which lines, none of them settled. A running payout's lines never change but for being settled. */
export interface PayLinesIntent {
  readonly payout: Payout;
  /** One after the other, at least one. */
  readonly lines: readonly PayoutLine[];
}

/** What came of them; zeros where the payout no longer runs. */
export interface PaidLines {
  readonly paidCount: number;
  readonly failedCount: number;
}

/** Refuses nothing: a line that cannot be paid is noted with its reason. */
export const payPayoutLines: LedgerCommand<PayLinesIntent, PaidLines> = {
  readSet: ({ payout, lines }) => ({
    payoutId: payout.id,
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
    for (const { line, creditAccountId, amount, memo, reason } of lines) {
      if (reason !== undefined || creditAccountId === undefined) continue;
      try {
        const [debit, credit] = [
          batch.accounts.get(payout.potAccountId),
          batch.accounts.get(creditAccountId),
        ];
        batch.transfers.post({ kind: 'payout_line', debit, credit, amount, memo });
        paidAmount += amount;
        paidCount += 1;
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        failed.push({ payoutId: id, line, reason: error.reason });
      }
    }
    const failedCount = lines.length - paidCount;
    const lastLine = lines.at(-1)?.line ?? 0;
    batch.payouts.settle(payout, { lastLine, paidCount, paidAmount, failedCount }, failed);
    return { paidCount, failedCount };
  },
};

/** The system's own user, under whom keys of jobs are kept; no caller can act for it. */
const SYSTEM_USER_ID = 0n;

/** The name in the ledger of paying a payout's lines from one on: however often a job does it, it happens once. */
export function payLinesKey({ id }: Payout, firstLine: number): IdempotencyKey {
  return { userId: SYSTEM_USER_ID, key: `payout:${id}:${firstLine}`, fingerprint: '00' };
}

/** The name in the ledger of a payout's end. */
export function finishKey({ id }: Payout): IdempotencyKey {
  return { userId: SYSTEM_USER_ID, key: `payout:${id}:end`, fingerprint: '00' };
}
