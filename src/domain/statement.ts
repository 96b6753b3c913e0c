// A statement: which period it covers, and totals that notice a transfer that is missing or counted twice.
import { InvariantError } from './error-fields.ts';
import type { Micros } from './time.ts';

/** The period that a statement covers: from a moment on, and before another. */
export interface Period {
  readonly from: Micros;
  readonly before: Micros;
}

/**
 * The part of a period to which nothing can be added any more, possibly none. That is everything before `settled`, when all
 * earlier batches have committed, and everything up to the account's last transfer: later ones are dated after it.
 */
export function settledPart(asked: Period, settled: Micros, lastChange: Micros): Period {
  const before = Math.min(asked.before, Math.max(settled, lastChange + 1));
  return { from: Math.min(asked.from, before), before };
}

/** What a statement says at its end. Amounts are in the smallest unit of the currency. */
export interface StatementTotals {
  readonly count: number;
  readonly amountIn: bigint;
  readonly amountOut: bigint;
  readonly balance: bigint;
}

/** Adds up the transfers of a statement. */
export class RunningTotals implements StatementTotals {
  count = 0;
  amountIn = 0n;
  amountOut = 0n;
  balance: bigint;

  constructor(openingBalance: bigint) {
    this.balance = openingBalance;
  }

  /**
   * Adds the next transfer. Throws an InvariantError when the balance after it does not follow from the one before: then
   * a transfer is missing, there twice or out of order.
   */
  add(id: string, direction: 'in' | 'out', amount: bigint, balanceAfter: bigint): void {
    this.count += 1;
    if (direction === 'in') this.amountIn += amount;
    else this.amountOut += amount;
    this.balance += direction === 'in' ? amount : -amount;
    if (this.balance !== balanceAfter)
      throw new InvariantError(`the balance before transfer ${id} of a statement is not the one that it had`);
  }
}
