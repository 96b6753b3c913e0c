// Attempts under one idempotency key: which of them came first, and the mark by which a refusal ends the earlier ones.
import type { Micros } from './time.ts';

/** One sending of a call, placed in time twice: by its caller's clock and by the database's. */
export interface Attempt {
  /** `created` of its signature: whole seconds since 1970 by its caller's clock. */
  readonly signedAt: number;
  /** When it arrived here, by the database's clock; a lower bound, so an attempt may seem older than it is and never younger. */
  readonly arrivedAt: Micros;
}

/** What a refusal leaves under its idempotency key: attempts that are not later than it never post. */
export interface Mark {
  /** As Attempt.signedAt, of the attempt that was refused. */
  readonly signedAt: number;
  /** The database's clock when it was refused. */
  readonly at: Micros;
}

/**
 * Whether an attempt was made after a refusal. It must be later by both clocks. The caller's own finds those that were
 * signed before and held up on their way here; within one second it cannot tell, so these count as earlier. The
 * database's finds those that had arrived before, whatever the clocks of callers and servers say.
 */
export function isAfter({ signedAt, arrivedAt }: Attempt, mark: Mark): boolean {
  return signedAt > mark.signedAt && arrivedAt > mark.at;
}

/** The mark of a refusal; it reaches at least as far as the one before it under the same key. */
export function markOf({ signedAt }: Pick<Attempt, 'signedAt'>, at: Micros, before: Mark | undefined): Mark {
  return {
    signedAt: Math.max(signedAt, before?.signedAt ?? signedAt),
    at: Math.max(at, before?.at ?? at),
  };
}

/** How long to wait before an attempt that met a mark is signed again, in milliseconds: until its caller's clock is past it. */
export function waitMsAfter({ signedAt }: Attempt, mark: Mark): number {
  return 1000 * Math.max(1, mark.signedAt - signedAt + 1);
}

/**
 * The longest life of an attempt after it arrived, in milliseconds; older ones are not decided any more. With the minute
 * that a signature is taken and the time that a transaction may last it is well within what marks are kept for, an hour.
 */
export const MAX_ATTEMPT_MS = 5 * 60_000;
