// What admission control is asked about a call, and what it decides: the types that Redis and the in-memory fallback share.
import type { CapWindow } from '../domain/caps.ts';
import type { Limit } from '../domain/limits.ts';
import type { Micros } from '../domain/time.ts';

/** What the decision about a call depends on. */
export interface AdmissionRequest {
  readonly nonce: Nonce;
  /** Either all of them charge the call, or none does. */
  readonly limits: readonly LimitCharge[];
  /** The call is admitted only while none of them is reached. */
  readonly caps: readonly CapCheck[];
}

/** What makes a signed request unique (RFC 9421, the parameter `nonce`). */
export interface Nonce {
  /** Key id and nonce: `ppk_live_…:…`. */
  readonly key: string;
  /** The edge's own id of the request, which a retry by the edge repeats; empty without an edge. */
  readonly edgeRequestId: string;
  /** How long the nonce is remembered, in milliseconds: at least as long as its signature is valid. */
  readonly ttlMs: number;
}

/** One rate limit that the call counts towards. */
export interface LimitCharge extends Limit {
  /** What is limited: `key`, `user`, `ip`. */
  readonly name: string;
  /** Who is limited. */
  readonly key: string;
  /** In cost units, 0 or more. */
  readonly cost: number;
}

/** Failures of one kind by one guesser. */
export interface Cap {
  /** What is guessed: `token`. */
  readonly name: string;
  /** Who guesses, and at what. */
  readonly key: string;
  /** Sorted by count. */
  readonly windows: readonly CapWindow[];
}

/** A cap that the call is checked against. */
export interface CapCheck extends Cap {
  /**
   * Whether the call is a guess. A guess counts as a failure at once, until `refundGuess` takes it back: otherwise a guesser
   * who sends many calls at the same moment is not capped before the first answer is known.
   */
  readonly isGuess: boolean;
}

/** Whether a call may go on. */
export interface Decision {
  readonly outcome: 'admitted' | 'replayed' | 'limited';
  /** By what it is limited; only where the outcome is `limited`. */
  readonly limited?: Limited | undefined;
  /** Each limit after the decision, in the order of the request. Empty where the call was refused before limits were read. */
  readonly limits: readonly LimitState[];
}

/** A decision, and the guesses that were counted, for `refundGuess`. */
export interface AdmissionResult extends Decision {
  readonly guesses: readonly Guess[];
}

/** The limit or cap with the longest wait. */
export interface Limited {
  readonly name: string;
  /** After this many milliseconds the call passes every limit and cap, unless others take its place. */
  readonly retryAfterMs: number;
}

/** The state of a limit, for the RateLimit headers. */
export interface LimitState {
  readonly name: string;
  /** The burst, in cost units. */
  readonly limit: number;
  /** Cost units that would pass at this moment. */
  readonly remaining: number;
  /** After this many milliseconds the whole burst is available again. */
  readonly resetMs: number;
}

/** A guess that counts as a failure. */
export interface Guess {
  readonly cap: Cap;
  /** When it was counted, by this process's clock. */
  readonly localAt: Micros;
  /** When it was counted, by the clock of Redis; undefined where Redis did not answer. */
  readonly sharedAt: Micros | undefined;
}
