// Streams the progress of a payout to its owner until it has ended.

import type { Payout } from '../../domain/payout.ts';
import { refuseField } from '../../domain/refusal.ts';
import { QUIET } from '../../repositories/index.ts';
import type { Core } from '../core.ts';
import { getPayout } from './get-payout.ts';

/** After this time without a change the state is sent again, in milliseconds, because proxies cut idle streams. */
const REPEAT_AFTER_MS = 30_000;

/**
 * Yields the payout now and after each change until it has ended; always the newest state when the reader asks for the next
 * one. Refuses PAYOUT_NOT_FOUND, and rejects with the signal's reason once that is aborted.
 */
export async function* watchPayout(
  core: Core,
  userId: bigint,
  payoutId: string,
  isOver: AbortSignal,
): AsyncGenerator<Payout> {
  let { payout: shown } = await getPayout(core, userId, payoutId);
  yield shown;
  while (shown.endedAt === undefined) {
    const payout = await core.payouts.next(shown, REPEAT_AFTER_MS, isOver);
    // Only a draft that was never started can be deleted.
    if (!payout) throw refuseField('PAYOUT_NOT_FOUND', 'payout_id');
    if (payout !== QUIET) shown = payout;
    yield shown;
  }
}
