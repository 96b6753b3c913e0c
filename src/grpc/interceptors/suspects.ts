// Remembers the addresses that many wrong signatures come from.
import { LRUCache } from 'lru-cache';
import { decideRate, type Limit, paceOf } from '../../domain/limits.ts';
import { MICROS_PER_MS, type Micros } from '../../domain/time.ts';

/**
 * The addresses that sent a burst of more than ten wrong signatures; one is forgotten each second. An edge is one of them
 * while others send wrong signatures through it. Suspects are refused nothing: their calls are only checked earlier, which
 * costs less for wrong signatures and a second check for valid ones.
 */
export interface Suspects {
  /** Whether any address sent a wrong signature within the last seconds. A cheap check before `has`. */
  readonly isAny: boolean;
  has(address: string): boolean;
  /** Records a wrong signature. */
  add(address: string): void;
}

const WRONG: Limit = { ratePerSecond: 1, burst: 10 };
const PACE = paceOf(WRONG, 1);
/** The number of addresses that are remembered. */
const MAX_ENTRIES = 50_000;

/** `now` is a monotonic clock in microseconds. */
export function createSuspects(now: () => Micros = monotonicMicros): Suspects {
  const tats = new LRUCache<string, Micros>({ max: MAX_ENTRIES });
  let latest = Number.NEGATIVE_INFINITY;
  return {
    get isAny() {
      return now() < latest;
    },
    has(address) {
      const at = now();
      return !decideRate(tats.get(address), PACE, at).isAllowed;
    },
    add(address) {
      const at = now();
      const { newTat } = decideRate(tats.get(address), PACE, at);
      tats.set(address, newTat);
      latest = Math.max(latest, newTat);
    },
  };
}

function monotonicMicros(): Micros {
  return Math.floor(performance.now() * MICROS_PER_MS);
}
