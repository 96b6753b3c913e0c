// Attempts under one idempotency key: their order, and the mark with which a refusal ends the earlier ones.
import type { Micros } from './time.ts';

/** One sending of a call, timed by its caller's clock and by the database's. */
export interface Attempt {
  /** `created` of its signature: whole seconds since 1970 by its caller's clock. */
  readonly signedAt: number;
  /** When it arrived here, by the database's clock. A lower bound: an attempt may seem older than it is, never younger. */
  readonly arrivedAt: Micros;
}

/** What a refusal leaves under its idempotency key: attempts that are not later never post. */
export interface Mark {
  /** As Attempt.signedAt, of the attempt that was refused. */
  readonly signedAt: number;
  /** The database's clock when it was refused. */
  readonly at: Micros;
}

/**
 * Whether an attempt was made after a refusal. It must be later by both clocks. The caller's clock finds attempts that were
 * signed before and delayed on their way; within the same second it cannot tell, so those count as earlier. The database's
 * clock finds attempts that had arrived before, whatever the clocks of callers and servers say.
 */
export function isAfter({ signedAt, arrivedAt }: Attempt, mark: Mark): boolean {
  return signedAt > mark.signedAt && arrivedAt > mark.at;
}

/** The mark of a refusal; never earlier than the mark before it under the same key. */
export function markOf({ signedAt }: Pick<Attempt, 'signedAt'>, at: Micros, before: Mark | undefined): Mark {
  return {
    signedAt: Math.max(signedAt, before?.signedAt ?? signedAt),
    at: Math.max(at, before?.at ?? at),
  };
}

/** How long to wait before signing again after an attempt met a mark, in milliseconds: until the caller's clock is past it. */
export function waitMsAfter({ signedAt }: Attempt, mark: Mark): number {
  return 1000 * Math.max(1, mark.signedAt - signedAt + 1);
}

/**
 * The longest life of an attempt after its arrival, in milliseconds; older ones are refused. Together with the minute for
 * which a signature is valid and the longest transaction it is far below the hour for which marks are kept.
 */
export const MAX_ATTEMPT_MS = 5 * 60_000;
