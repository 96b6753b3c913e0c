// How often somebody may be wrong: tight caps on failures, exact over any stretch of time.
import { MICROS_PER_MS, type Micros } from './time.ts';

/** At most so many failures in any stretch of so many milliseconds. */
export interface CapWindow {
  readonly count: number;
  readonly windowMs: number;
}

/** What a guesser of signatures or tokens is left with: 5 a minute and 100 a day. Sorted by count. */
export const GUESSING_CAP: readonly CapWindow[] = [
  { count: 5, windowMs: 60_000 },
  { count: 100, windowMs: 86_400_000 },
];

/**
 * How many microseconds somebody must wait who failed at these times, the latest first; 0 when not capped.
 *
 * The times themselves are remembered, not counts: a counter that starts anew lets twice as much through around its
 * start, and GCRA a burst more than its rate. There are never more of them than the largest count.
 */
export function waitOfCap(failures: readonly Micros[], windows: readonly CapWindow[], now: Micros): Micros {
  const waits = windows.map(({ count, windowMs }) => {
    const failure = failures[count - 1];
    return failure === undefined ? 0 : failure + windowMs * MICROS_PER_MS - now;
  });
  return Math.max(0, ...waits);
}
