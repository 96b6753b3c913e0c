// Bounds what wrong signatures cost where checking one is dear: Ed25519 takes some 100 µs, HMAC some 5.
import { LRUCache } from 'lru-cache';
import { decideRate, type Limit, paceOf } from '../../domain/limits.ts';
import { MICROS_PER_MS, type Micros } from '../../domain/time.ts';

/**
 * Which calls have their Ed25519 signatures checked. The rule, by the connection that a call came over:
 *
 * - A connection over which fewer than ten wrong ones came lately is checked; it gets back one try each second.
 * - Beyond that, only calls under a key that signed rightly over this very connection within the last minute are.
 *
 * So whoever floods a key with wrong signatures, from the same address even, is refused unchecked, and spoils nothing for
 * its rightful holder, who has a connection of its own, or signed rightly over the one that both use. A right signature is
 * told from a wrong one by checking alone, so nothing bounds what a key's own connection may cost.
 */
export interface VerificationBudget {
  allows(connection: string, keyId: string): boolean;
  /** A signature that was checked was wrong. */
  failed(connection: string): void;
  /** A signature that was checked was right. */
  succeeded(connection: string, keyId: string): void;
}

const WRONG: Limit = { ratePerSecond: 1, burst: 10 };
const PROVEN_MS = 60_000;
/** How many connections, and pairs of connection and key, are remembered: the latest ones, in some 10 MB. */
const MAX_ENTRIES = 50_000;

/** Starts with nobody known. `now` is in microseconds, by a clock that never steps back. */
export function verificationBudget(now: () => Micros = monotonicMicros): VerificationBudget {
  const tats = new LRUCache<string, Micros>({ max: MAX_ENTRIES });
  const provenUntil = new LRUCache<string, Micros>({ max: MAX_ENTRIES });
  const decide = (connection: string, cost: number, at: Micros) =>
    decideRate(tats.get(connection), paceOf(WRONG, cost), at);
  return {
    allows(connection, keyId) {
      const at = now();
      return decide(connection, 1, at).isAllowed || (provenUntil.get(`${connection} ${keyId}`) ?? 0) > at;
    },
    failed(connection) {
      const at = now();
      tats.set(connection, decide(connection, 1, at).newTat);
    },
    succeeded(connection, keyId) {
      provenUntil.set(`${connection} ${keyId}`, now() + PROVEN_MS * MICROS_PER_MS);
    },
  };
}

function monotonicMicros(): Micros {
  return Math.floor(performance.now() * MICROS_PER_MS);
}
