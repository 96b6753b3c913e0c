// Caps on failures: how often a caller may guess wrong, exact over any period.
import { MICROS_PER_MS, type Micros } from './time.ts';

/** At most `count` failures in any period of `windowMs` milliseconds. */
export interface CapWindow {
  readonly count: number;
  readonly windowMs: number;
}

/** Guesses of tokens: 5 a minute and 100 a day. Sorted by count. */
export const GUESSING_CAP: readonly CapWindow[] = [
  { count: 5, windowMs: 60_000 },
  { count: 100, windowMs: 86_400_000 },
];

/**
 * How many microseconds a caller must wait after failures at these times, latest first; 0 if it is not capped.
 *
 * The times are stored instead of counts: a counter that is reset lets twice as much through around its reset, and GCRA a
 * burst more than its rate. There are never more times than the largest count.
 */
export function waitOfCap(failures: readonly Micros[], windows: readonly CapWindow[], now: Micros): Micros {
  const waits = windows.map(({ count, windowMs }) => {
    const failure = failures[count - 1];
    return failure === undefined ? 0 : failure + windowMs * MICROS_PER_MS - now;
  });
  return Math.max(0, ...waits);
}
