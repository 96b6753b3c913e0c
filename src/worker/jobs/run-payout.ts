// Pays the lines of a payout that was started, and ends it.

import { findPayout, linesBetween, type PayoutView } from '../../db/payouts/index.ts';
import type { Pool } from '../../db/pool.ts';
import { type Execute, systemCall } from '../../domain/batch/command.ts';
import { InvariantError } from '../../domain/error-fields.ts';
import type { Payout, PayoutLine } from '../../domain/payout.ts';
import type { TraceContext } from '../../domain/trace-context.ts';
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
    async run({ payoutId }, stopping, trace) {
      const reader = new LineReader(tools);
      for (;;) {
        const view = await findPayout(tools.pool, String(payoutId));
        if (view?.payout.state !== 'running') return { state: view?.payout.state ?? 'unknown' };
        if (view.nextLine > view.payout.lineCount) return { state: (await finish(tools, view, trace)).state };
        // Its row of the outbox stays until all is paid, so that another worker continues.
        if (stopping.aborted) throw new InvariantError('the worker stops in the middle of a payout');
        await payNext(tools, view, reader, trace);
      }
    },
  };
}

async function payNext(
  { execute }: PayoutTools,
  { payout, nextLine }: PayoutView,
  reader: LineReader,
  trace: TraceContext | undefined,
) {
  const lines = await reader.read(payout, nextLine);
  const key = payLinesKey(payout, nextLine);
  const paying = execute(payPayoutLines, { payout, lines }, key, systemCall(key.key, trace));
  reader.readAhead(payout, nextLine + lines.length);
  return paying;
}

/**
 * Reads lines while those before them are being paid: the reads would be a twentieth of a payout's time. Lines that are not
 * settled never change while a payout runs, so what was read ahead holds where the payout has come to just these.
 */
class LineReader {
  readonly #pool: Pool;
  readonly #chunk: number;
  #ahead: { readonly firstLine: number; readonly lines: Promise<PayoutLine[]> } | undefined;

  constructor({ pool, chunk = CHUNK }: PayoutTools) {
    this.#pool = pool;
    this.#chunk = chunk;
  }

  read(payout: Payout, firstLine: number): Promise<PayoutLine[]> {
    if (this.#ahead?.firstLine === firstLine) return this.#ahead.lines;
    return linesBetween(this.#pool, payout.id, firstLine, firstLine + this.#chunk - 1);
  }

  readAhead(payout: Payout, firstLine: number): void {
    if (firstLine > payout.lineCount) return;
    const lines = this.read(payout, firstLine);
    // An error belongs to the read that takes these lines, and there is none where the lines before them cannot be paid.
    lines.catch(() => {});
    this.#ahead = { firstLine, lines };
  }
}

function finish({ execute }: PayoutTools, { payout }: PayoutView, trace: TraceContext | undefined) {
  const key = finishKey(payout);
  return execute(finishPayout, { payout }, key, systemCall(key.key, trace));
}
