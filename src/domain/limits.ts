// How often somebody may call: the generic cell rate algorithm (GCRA), exact, over one number per caller.
import { MICROS_PER_MS, type Micros } from './time.ts';

/** So many cost units a second for ever, and so many at once after a rest. */
export interface Limit {
  /** A whole number of cost units, at least 1. */
  readonly ratePerSecond: number;
  /** A whole number of cost units, at least 1. */
  readonly burst: number;
}

/** A limit and a cost as spans of time, in whole microseconds. */
export interface Pace {
  /** What one cost unit takes. */
  readonly interval: Micros;
  /** How far ahead of the clock a caller may be: the burst. */
  readonly tolerance: Micros;
  /** What this call takes. */
  readonly charge: Micros;
}

/** What becomes of one call. */
export interface RateDecision {
  readonly isAllowed: boolean;
  /** The theoretical arrival time to remember; what it was before when the call is refused. */
  readonly newTat: Micros;
  /** Cost units that would still pass at this moment. */
  readonly remaining: number;
  /** After so many milliseconds the same call passes, if nobody else takes its place; 0 when it passed. */
  readonly retryAfterMs: number;
  /** After so many milliseconds the whole burst is there again. */
  readonly resetMs: number;
}

const MICROS_PER_SECOND = 1_000_000;

/**
 * The limit and a cost as spans of time.
 *
 * The interval is rounded up to a whole microsecond, so that sums of it are exact. A rate that divides 1,000,000 is kept
 * exactly; any other never more than exactly, and short of it by less than rate/1,000,000 of itself: 3,000/s becomes
 * 2,994/s. A call that costs more than the burst is charged the burst: otherwise it could never pass.
 */
export function paceOf(limit: Limit, cost: number): Pace {
  const interval = Math.ceil(MICROS_PER_SECOND / limit.ratePerSecond);
  return {
    interval,
    tolerance: interval * limit.burst,
    charge: interval * Math.min(cost, limit.burst),
  };
}

/**
 * Decides one call by the time at which the ones before it would have been through at the limit's own pace (ITU-T
 * I.371, annex A, the virtual scheduling algorithm). Undefined stands for a caller who rests. A refused call costs
 * nothing; one of cost 0 always passes, and so only looks.
 */
export function decideRate(tat: Micros | undefined, pace: Pace, now: Micros): RateDecision {
  const full = now + pace.tolerance;
  // Further ahead than the burst is nobody unless the limit was lowered or the clock set back: neither locks out.
  const before = Math.min(Math.max(tat ?? now, now), full);
  const after = before + pace.charge;
  const isAllowed = after <= full;
  const newTat = isAllowed ? after : before;
  return {
    isAllowed,
    newTat,
    retryAfterMs: isAllowed ? 0 : Math.ceil((after - full) / MICROS_PER_MS),
    ...standingOf(pace, newTat - now),
  };
}

/** How a limit stands for a caller who is so far ahead of the clock. */
export function standingOf(
  { interval, tolerance }: Pace,
  ahead: Micros,
): Pick<RateDecision, 'remaining' | 'resetMs'> {
  return {
    remaining: Math.floor((tolerance - ahead) / interval),
    resetMs: Math.ceil(ahead / MICROS_PER_MS),
  };
}
