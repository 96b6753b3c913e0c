// Bounds the cost of wrong Ed25519 signatures, which take 100 µs each to verify; HMAC takes 5.
import { LRUCache } from 'lru-cache';
import { decideRate, type Limit, paceOf } from '../../domain/limits.ts';
import { MICROS_PER_MS, type Micros } from '../../domain/time.ts';

/**
 * Decides whether the Ed25519 signature of a call is verified, by the connection of the call:
 *
 * - A connection may send a burst of ten wrong signatures, and one more each second.
 * - Above that, only keys are verified that had a valid signature over the same connection within the last minute.
 *
 * So a flood of wrong signatures is refused without verification, even from the address of the key's owner, whose calls
 * still pass: over another connection, or over the same one if it had a valid signature there. Only verification tells a
 * valid signature from a wrong one, so nothing bounds the cost of a key's own connection.
 */
export interface VerificationBudget {
  allows(connection: string, keyId: string): boolean;
  /** Records a wrong signature. */
  failed(connection: string): void;
  /** Records a valid signature. */
  succeeded(connection: string, keyId: string): void;
}

const WRONG: Limit = { ratePerSecond: 1, burst: 10 };
const VALID_MS = 60_000;
/** The number of connections, and of pairs of connection and key, that are remembered, in some 10 MB. */
const MAX_ENTRIES = 50_000;

/** `now` is a monotonic clock in microseconds. */
export function verificationBudget(now: () => Micros = monotonicMicros): VerificationBudget {
  const tats = new LRUCache<string, Micros>({ max: MAX_ENTRIES });
  const validUntil = new LRUCache<string, Micros>({ max: MAX_ENTRIES });
  const decide = (connection: string, cost: number, at: Micros) =>
    decideRate(tats.get(connection), paceOf(WRONG, cost), at);
  return {
    allows(connection, keyId) {
      const at = now();
      return decide(connection, 1, at).isAllowed || (validUntil.get(`${connection} ${keyId}`) ?? 0) > at;
    },
    failed(connection) {
      const at = now();
      tats.set(connection, decide(connection, 1, at).newTat);
    },
    succeeded(connection, keyId) {
      validUntil.set(`${connection} ${keyId}`, now() + VALID_MS * MICROS_PER_MS);
    },
  };
}

function monotonicMicros(): Micros {
  return Math.floor(performance.now() * MICROS_PER_MS);
}
