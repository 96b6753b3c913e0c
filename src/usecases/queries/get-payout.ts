// Reads a payout for its owner: its progress, and the lines that are not paid.
import type { PayoutView } from '../../db/payouts/index.ts';
import { type Page, pageOf } from '../../domain/page.ts';
import type { Payout, PayoutLine } from '../../domain/payout.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { Core } from '../core.ts';

/** A payout of the acting user. Refuses PAYOUT_NOT_FOUND. */
export async function getPayout({ payouts }: Core, userId: bigint, payoutId: string): Promise<PayoutView> {
  const found = await payouts.find(payoutId);
  if (found?.payout.ownerUserId !== userId) throw refuseField('PAYOUT_NOT_FOUND', 'payout_id');
  return found;
}

/** Lines that are not paid, in their order, one page after a line. Refuses PAYOUT_NOT_FOUND. */
export async function listPayoutFailures(
  core: Core,
  userId: bigint,
  payoutId: string,
  afterLine: number,
  size: number,
): Promise<{ payout: Payout; page: Page<PayoutLine, number> }> {
  const { payout } = await getPayout(core, userId, payoutId);
  const lines = await core.payouts.failedLines(payoutId, afterLine, size + 1);
  return { payout, page: pageOf(lines, size, ({ line }) => line) };
}
