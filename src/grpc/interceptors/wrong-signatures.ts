// Bounds what wrong signatures cost, without ever refusing a valid signature because of wrong ones that others sent.
//
// Three guards count wrong signatures, each where it can save something that the others cannot:
// - `createSuspects`, by address: its calls are checked by their headers, before grpc-js makes a call of them (100 µs).
// - `createVerificationBudget`, by connection: Ed25519 signatures are not verified (100 µs each). A key's own connection has
//   to be told from a forger's at the same address, so an address would be too coarse.
// - envoy/wrong-signatures.lua, by connection: REST requests are answered 429 before the edge parses, hashes or forwards
//   them. It refuses, where the others only check in another order, so it waits for fifty wrong signatures, not ten.
import { LRUCache } from 'lru-cache';
import { decideRate, type Limit, paceOf } from '../../domain/limits.ts';
import { MICROS_PER_MS, type Micros } from '../../domain/time.ts';

/** So many wrong signatures count as mistakes; one is forgotten each second. */
const WRONG: Limit = { ratePerSecond: 1, burst: 10 };
const PACE = paceOf(WRONG, 1);
/**
 * A valid call that was checked early takes back so much of a wrong signature. A check costs a tenth of a call that grpc-js
 * makes, so checking pays while more than one call of eleven is wrong, and for fewer it ends.
 */
const TAKEN_BACK: Micros = PACE.charge / 10;
const VALID_MS = 60_000;
/** The number of addresses, of connections, and of pairs of connection and key, that are remembered, in some 10 MB. */
const MAX_ENTRIES = 50_000;

/** The wrong signatures of each address or connection. */
interface WrongSignatures {
  /** Whether ten wrong signatures are remembered. */
  isFull(source: string, at: Micros): boolean;
  /** Records a wrong signature; returns when the last one is forgotten. */
  add(source: string, at: Micros): Micros;
  /** Takes back a part of a wrong signature. */
  takeBack(source: string): void;
}

function createWrongSignatures(): WrongSignatures {
  const tats = new LRUCache<string, Micros>({ max: MAX_ENTRIES });
  const decide = (source: string, at: Micros) => decideRate(tats.get(source), PACE, at);
  return {
    isFull: (source, at) => !decide(source, at).isAllowed,
    add(source, at) {
      const { newTat } = decide(source, at);
      tats.set(source, newTat);
      return newTat;
    },
    takeBack(source) {
      const tat = tats.get(source);
      if (tat !== undefined) tats.set(source, tat - TAKEN_BACK);
    },
  };
}

/**
 * The addresses that ten wrong signatures came from. An edge is one of them while others send wrong signatures through it.
 * Suspects are refused nothing: their calls are only checked earlier, which costs less for wrong signatures and a second
 * check for valid ones.
 */
export interface Suspects {
  /** Whether any address sent a wrong signature within the last seconds. A cheap check before `has`. */
  readonly isAny: boolean;
  has(address: string): boolean;
  /** Records a wrong signature. */
  add(address: string): void;
  /** Records that a suspect's call was checked early and is validly signed. */
  wasValid(address: string): void;
}

/** `now` is a monotonic clock in microseconds. */
export function createSuspects(now: () => Micros = monotonicMicros): Suspects {
  const wrong = createWrongSignatures();
  let latest = Number.NEGATIVE_INFINITY;
  return {
    get isAny() {
      return now() < latest;
    },
    has: (address) => wrong.isFull(address, now()),
    add(address) {
      latest = Math.max(latest, wrong.add(address, now()));
    },
    wasValid: (address) => wrong.takeBack(address),
  };
}

/**
 * Decides whether the Ed25519 signature of a call is verified, by the connection of the call (HMAC takes 2 µs and is always
 * verified):
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

/** `now` is a monotonic clock in microseconds. */
export function createVerificationBudget(now: () => Micros = monotonicMicros): VerificationBudget {
  const wrong = createWrongSignatures();
  const validUntil = new LRUCache<string, Micros>({ max: MAX_ENTRIES });
  return {
    allows(connection, keyId) {
      const at = now();
      return !wrong.isFull(connection, at) || (validUntil.get(`${connection} ${keyId}`) ?? 0) > at;
    },
    failed: (connection) => void wrong.add(connection, now()),
    succeeded(connection, keyId) {
      validUntil.set(`${connection} ${keyId}`, now() + VALID_MS * MICROS_PER_MS);
    },
  };
}

function monotonicMicros(): Micros {
  return Math.floor(performance.now() * MICROS_PER_MS);
}
