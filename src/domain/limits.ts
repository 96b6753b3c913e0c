// Rate limits by the generic cell rate algorithm (GCRA): exact, with one number per caller.
import { MICROS_PER_MS, type Micros } from './time.ts';

/** A sustained rate, and a burst after a pause. */
export interface Limit {
  /** A whole number of cost units, at least 1. */
  readonly ratePerSecond: number;
  /** A whole number of cost units, at least 1. */
  readonly burst: number;
}

/** A limit and a cost as durations, in whole microseconds. */
export interface Pace {
  /** The duration of one cost unit. */
  readonly interval: Micros;
  /** How far ahead of the clock a caller may be: the duration of the burst. */
  readonly tolerance: Micros;
  /** The duration of this call's cost. */
  readonly charge: Micros;
}

/** The decision about one call. */
export interface RateDecision {
  readonly isAllowed: boolean;
  /** The theoretical arrival time to store; unchanged if the call is refused. */
  readonly newTat: Micros;
  /** Cost units that would still pass at this moment. */
  readonly remaining: number;
  /** In how many milliseconds the same call would pass if no other comes first; 0 if it passed. */
  readonly retryAfterMs: number;
  /** In how many milliseconds the full burst is available again. */
  readonly resetMs: number;
}

const MICROS_PER_SECOND = 1_000_000;

/**
 * Converts a limit and a cost to durations.
 *
 * The interval is rounded up to a whole microsecond, so that its sums are exact. A rate that divides 1,000,000 is enforced
 * exactly; any other is lowered by less than rate/1,000,000 of itself: 3,000/s becomes 2,994/s. A call that costs more
 * than the burst is charged the burst: otherwise it could never pass.
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
 * Decides one call by its theoretical arrival time, at which the earlier calls would have passed at the limit's rate
 * (ITU-T I.371, annex A, the virtual scheduling algorithm). `tat` is undefined for a caller without recent calls. A
 * refused call costs nothing. A call of cost 0 always passes: it only reads the state.
 */
export function decideRate(tat: Micros | undefined, pace: Pace, now: Micros): RateDecision {
  const full = now + pace.tolerance;
  // A caller is further ahead than the burst only if the limit was lowered or the clock set back; neither may lock it out.
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

/** The state of a limit for a caller that is `ahead` of the clock. */
export function standingOf(
  { interval, tolerance }: Pace,
  ahead: Micros,
): Pick<RateDecision, 'remaining' | 'resetMs'> {
  return {
    remaining: Math.floor((tolerance - ahead) / interval),
    resetMs: Math.ceil(ahead / MICROS_PER_MS),
  };
}
