// What a call asks before it is let in, and what it is told: the words that Redis and the local stand-in share.
import type { CapWindow } from '../domain/caps.ts';
import type { Limit } from '../domain/limits.ts';
import type { Micros } from '../domain/time.ts';

/** A call, as far as limits and replays go. */
export interface AdmissionRequest {
  readonly nonce: Nonce;
  /** All of them charge the call, or none does. */
  readonly limits: readonly LimitCharge[];
  /** The call passes only where none of them is reached. */
  readonly caps: readonly CapCheck[];
}

/** What makes a signed request one of a kind. */
export interface Nonce {
  /** Key id and nonce: `ppk_live_…:…`. */
  readonly key: string;
  /** The edge's own name for the request, which a retry by the edge repeats; empty when there is no edge. */
  readonly edgeRequestId: string;
  /** For how long the signature is acceptable, at least; in milliseconds. */
  readonly ttlMs: number;
}

/** One limit that the call counts towards. */
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

/** A cap that the call is under. */
export interface CapCheck extends Cap {
  /**
   * Whether the call is a guess itself. It counts as a failure at once, until `forgive` says that it was none:
   * otherwise a guesser who calls many times at the same moment is not capped before the first answer is known.
   */
  readonly isGuess: boolean;
}

/** Whether a call may go on. */
export interface Verdict {
  readonly outcome: 'admitted' | 'replayed' | 'limited';
  /** Only when limited: by what. */
  readonly limited?: Limited;
  /** How each limit stands now, in the order asked for. Empty where the call was refused without looking at them. */
  readonly limits: readonly LimitState[];
}

/** A verdict, with the guesses that were counted, for `forgive`. */
export interface Admission extends Verdict {
  readonly guesses: readonly Guess[];
}

/** The limit or cap that makes the caller wait longest. */
export interface Limited {
  readonly name: string;
  /** After so many milliseconds the same call passes all of them, if nobody else takes its place. */
  readonly retryAfterMs: number;
}

/** How a limit stands, for the RateLimit headers. */
export interface LimitState {
  readonly name: string;
  /** The burst, in cost units. */
  readonly limit: number;
  /** Cost units that would pass at this moment. */
  readonly remaining: number;
  /** After so many milliseconds the whole burst is there again. */
  readonly resetMs: number;
}

/** A guess that counts as a failure. */
export interface Guess {
  readonly cap: Cap;
  /** When it was counted by this process's clock. */
  readonly localAt: Micros;
  /** When it was counted by the clock of Redis; undefined where Redis was away. */
  readonly sharedAt: Micros | undefined;
}
