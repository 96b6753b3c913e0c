// Pays the lines of a payout that was started, and ends it.

import { findPayout, linesBetween, type PayoutView } from '../../db/payouts/lines.ts';
import type { Pool } from '../../db/pool.ts';
import { type Execute, systemCall } from '../../domain/batch/command.ts';
import { InvariantError } from '../../domain/error-fields.ts';
import { finishKey, finishPayout, payLinesKey, payPayoutLines } from '../../usecases/index.ts';
import type { Job } from '../job.ts';

/** What paying takes. */
export interface PayoutTools {
  readonly pool: Pool;
  readonly execute: Execute;
  /** How many lines share a transaction; CHUNK when left out. */
  readonly chunk?: number;
}

/** As many lines as a full batch of the ledger takes. */
const CHUNK = 1_000;

/**
 * Its data names the payout as `payoutId`. It continues at the first line that is neither paid nor failed, so it may be cut
 * off anywhere, and run twice at once: the same lines have the same idempotency key.
 */
export function runPayout(tools: PayoutTools): Job {
  return {
    async run({ payoutId }, stopping) {
      for (;;) {
        const view = await findPayout(tools.pool, String(payoutId));
        if (view?.payout.state !== 'running') return { state: view?.payout.state ?? 'unknown' };
        if (view.nextLine > view.payout.lineCount) return { state: (await finish(tools, view)).state };
        // Its row of the outbox stays until all is paid, so that another worker continues.
        if (stopping.aborted) throw new InvariantError('the worker stops in the middle of a payout');
        await payNext(tools, view);
      }
    },
  };
}

async function payNext({ pool, execute, chunk = CHUNK }: PayoutTools, { payout, nextLine }: PayoutView) {
  const lines = await linesBetween(pool, payout.id, nextLine, nextLine + chunk - 1);
  const key = payLinesKey(payout, nextLine);
  return execute(payPayoutLines, { payout, lines }, key, systemCall(key.key));
}

function finish({ execute }: PayoutTools, { payout }: PayoutView) {
  const key = finishKey(payout);
  return execute(finishPayout, { payout }, key, systemCall(key.key));
}
