// Shows a payout to its owner: how far it is, and which lines are not paid.
import { setTimeout as sleep } from 'node:timers/promises';
import { failedLines, findPayout, type PayoutView } from '../db/payouts/lines.ts';
import { type Page, pageOf } from '../domain/page.ts';
import type { Payout, PayoutLine } from '../domain/payout.ts';
import { refuseField } from '../domain/refusal.ts';
import type { CallInfo } from '../domain/verb.ts';
import type { Core } from './core.ts';

/** How often it is looked for progress that somebody waits for, in milliseconds. */
const LOOK_EVERY_MS = 200;
/** How long before its deadline a call that waits is answered, in milliseconds. */
const SPARE_MS = 500;

/** What a caller waits for, if for anything. */
export interface Patience {
  /** How long at most, in milliseconds. */
  readonly waitMs: number;
  /** More lines settled than this, or the payout's end. */
  readonly settledAfter: number;
}

/** A payout of the acting user's. Refuses PAYOUT_NOT_FOUND. */
export async function ownPayout({ reads }: Core, userId: bigint, payoutId: string): Promise<PayoutView> {
  const found = await findPayout(reads, payoutId);
  if (found?.payout.ownerUserId !== userId) throw refuseField('PAYOUT_NOT_FOUND', 'payout_id');
  return found;
}

/** The same, as soon as there is more to tell, or when the patience ends. Refuses PAYOUT_NOT_FOUND. */
export async function getPayout(
  core: Core,
  userId: bigint,
  payoutId: string,
  { waitMs, settledAfter }: Patience,
  call: CallInfo,
): Promise<Payout> {
  const end = Math.min(Date.now() + waitMs, call.deadlineMs - SPARE_MS);
  for (;;) {
    const { payout } = await ownPayout(core, userId, payoutId);
    const hasNews = payout.endedAt !== undefined || payout.paidCount + payout.failedCount > settledAfter;
    const leftMs = end - Date.now();
    if (hasNews || leftMs <= 0) return payout;
    await sleep(Math.min(leftMs, LOOK_EVERY_MS));
  }
}

/** Lines that are not paid, in their order, one page from after a line on. Refuses PAYOUT_NOT_FOUND. */
export async function listPayoutFailures(
  core: Core,
  userId: bigint,
  payoutId: string,
  afterLine: number,
  size: number,
): Promise<{ payout: Payout; page: Page<PayoutLine, number> }> {
  const { payout } = await ownPayout(core, userId, payoutId);
  const lines = await failedLines(core.reads, payoutId, afterLine, size + 1);
  return { payout, page: pageOf(lines, size, ({ line }) => line) };
}
