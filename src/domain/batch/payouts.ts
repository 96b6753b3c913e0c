// The payouts of a batch: created, started, settled line by line, and ended.
import type { Payout } from '../payout.ts';
import type { Reason } from '../reasons.ts';
import { refuseField } from '../refusal.ts';
import type { BatchContext } from './ledger-batch.ts';

declare module './ledger-batch.ts' {
  interface ReadSet {
    /** A payout, locked; its accounts must be listed as well. */
    readonly payoutId?: string;
  }
  interface LedgerBatch {
    readonly payouts: Payouts;
  }
}

/** A line that could not be paid when its turn came. */
export interface FailedLine {
  readonly payoutId: string;
  readonly line: number;
  readonly reason: Reason;
}

/** How far lines of a payout were settled, and how. */
export interface SettledLines {
  /** The last line of them. */
  readonly lastLine: number;
  readonly paidCount: number;
  readonly paidAmount: bigint;
  readonly failedCount: number;
}

/** A payout that a batch changed. */
export interface ChangedPayout {
  readonly payout: Payout;
  /** The last line that was settled; undefined where none was. */
  readonly lastLine: number | undefined;
}

/** The payouts of one batch. */
export class Payouts {
  readonly #batch: BatchContext;
  readonly #payouts = new Map<string, Payout>();
  readonly #changedById = new Map<string, ChangedPayout>();
  readonly created: Payout[] = [];
  readonly failedLines: FailedLine[] = [];

  constructor(loaded: Iterable<Payout>, batch: BatchContext) {
    this.#batch = batch;
    for (const payout of loaded) this.#payouts.set(payout.id, payout);
  }

  /** A payout that the batch has locked. Refuses PAYOUT_NOT_FOUND: a draft may have been purged meanwhile. */
  get(id: string): Payout {
    const payout = this.#payouts.get(id);
    if (!payout) throw refuseField('PAYOUT_NOT_FOUND', 'payout_id');
    return payout;
  }

  /** Adds a new payout. */
  add(payout: Payout): void {
    this.#batch.undo.append(this.created, payout);
  }

  /** Replaces a payout by its new state. */
  update(payout: Payout): void {
    this.#put(payout, this.#changedById.get(payout.id)?.lastLine);
  }

  /** Records that lines were settled: paid, or failed for the reasons in `failed`. */
  settle(payout: Payout, lines: SettledLines, failed: readonly FailedLine[]): void {
    const after = {
      ...payout,
      paidCount: payout.paidCount + lines.paidCount,
      paidAmount: payout.paidAmount + lines.paidAmount,
      failedCount: payout.failedCount + lines.failedCount,
    };
    this.#put(after, lines.lastLine);
    this.failedLines.push(...failed);
    this.#batch.undo.push(() => this.failedLines.splice(this.failedLines.length - failed.length));
  }

  /** The payouts that the batch changed, as they are now. */
  changed(): ChangedPayout[] {
    return [...this.#changedById.values()];
  }

  #put(payout: Payout, lastLine: number | undefined): void {
    const { undo } = this.#batch;
    undo.set(this.#payouts, this.get(payout.id).id, payout);
    undo.set(this.#changedById, payout.id, { payout, lastLine });
  }
}
