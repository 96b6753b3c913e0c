// The part of the book that knows payouts: how they stand, and what a batch changes of them.
import type { Journal } from './journal.ts';
import type { Payout } from './payout.ts';
import type { Reason } from './reasons.ts';
import { refuseField } from './refusal.ts';

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
export class PayoutBook {
  readonly #journal: Journal;
  readonly #payouts = new Map<string, Payout>();
  readonly #changed = new Map<string, ChangedPayout>();
  readonly newPayouts: Payout[] = [];
  readonly failedLines: FailedLine[] = [];

  constructor(loaded: Iterable<Payout>, journal: Journal) {
    this.#journal = journal;
    for (const payout of loaded) this.#payouts.set(payout.id, payout);
  }

  /** A payout that the batch has loaded and locked. Refuses PAYOUT_NOT_FOUND: a draft may be purged meanwhile. */
  payout(id: string): Payout {
    const payout = this.#payouts.get(id);
    if (!payout) throw refuseField('PAYOUT_NOT_FOUND', 'payout_id');
    return payout;
  }

  /** Adds a payout that was just made. */
  add(payout: Payout): void {
    this.newPayouts.push(payout);
    this.#journal.note(() => this.newPayouts.pop());
  }

  /** Puts a payout's new standing in place of its old one. */
  change(payout: Payout): void {
    this.#put(payout, this.#changed.get(payout.id)?.lastLine);
  }

  /** Notes that lines were settled: paid, or failed for the reasons that failed lines say. */
  settle(payout: Payout, lines: SettledLines, failed: readonly FailedLine[]): void {
    const after = {
      ...payout,
      paidCount: payout.paidCount + lines.paidCount,
      paidAmount: payout.paidAmount + lines.paidAmount,
      failedCount: payout.failedCount + lines.failedCount,
    };
    this.#put(after, lines.lastLine);
    this.failedLines.push(...failed);
    this.#journal.note(() => this.failedLines.splice(this.failedLines.length - failed.length));
  }

  /** The payouts that the batch changed, as they are now. */
  changedPayouts(): ChangedPayout[] {
    return [...this.#changed.values()];
  }

  #put(payout: Payout, lastLine: number | undefined): void {
    const [before, changed] = [this.payout(payout.id), this.#changed.get(payout.id)];
    this.#payouts.set(payout.id, payout);
    this.#changed.set(payout.id, { payout, lastLine });
    this.#journal.note(() => {
      this.#payouts.set(payout.id, before);
      if (changed) this.#changed.set(payout.id, changed);
      else this.#changed.delete(payout.id);
    });
  }
}
