// Remembers which addresses many wrong signatures come from.
import { LRUCache } from 'lru-cache';
import { decideRate, type Limit, paceOf } from '../../domain/limits.ts';
import { MICROS_PER_MS, type Micros } from '../../domain/time.ts';

/**
 * The addresses over whose connections more than ten wrong signatures came lately; each is forgotten after a second. An
 * edge is such an address, too, while strangers call through it. Nothing is refused to a suspect: its calls are only
 * checked earlier, which costs less where they are wrong, and a second check where they are right.
 */
export interface Suspects {
  /** Whether a wrong signature came lately, from anywhere. It costs nothing to ask. */
  readonly isAny: boolean;
  has(address: string): boolean;
  /** A wrong signature came from there. */
  add(address: string): void;
}

const WRONG: Limit = { ratePerSecond: 1, burst: 10 };
const PACE = paceOf(WRONG, 1);
/** How many addresses are remembered: the latest ones. */
const MAX_ENTRIES = 50_000;

/** Starts with nobody suspected. `now` is in microseconds, by a clock that never steps back. */
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
