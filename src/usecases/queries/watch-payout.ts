// Tells the owner of a payout how far it is until it has ended.

import type { Payout } from '../../domain/payout.ts';
import { isFurther } from '../../domain/payout.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { Core } from '../core.ts';
import { getPayout } from './get-payout.ts';

/** After so long without news the same is told again, in milliseconds: what is in between cuts off streams that rest. */
const REPEAT_AFTER_MS = 30_000;

/**
 * The payout as it stands, then whenever it is further, up to its end; each time the newest that there is when the next is
 * asked for. Refuses PAYOUT_NOT_FOUND, and rejects with the signal's reason once that is aborted.
 */
export async function* watchPayout(
  core: Core,
  userId: bigint,
  payoutId: string,
  isOver: AbortSignal,
): AsyncGenerator<Payout> {
  let { payout: shown } = await getPayout(core, userId, payoutId);
  yield shown;
  let shownAt = performance.now();
  while (shown.endedAt === undefined) {
    const payout = await core.payouts.next(payoutId, isOver);
    // A payout that was once made is never deleted.
    if (!payout) throw refuseField('PAYOUT_NOT_FOUND', 'payout_id');
    if (!isFurther(payout, shown) && performance.now() - shownAt < REPEAT_AFTER_MS) continue;
    shown = payout;
    yield shown;
    shownAt = performance.now();
  }
}
