// How long things at Postgres may take, in milliseconds, and how these times depend on each other.

/**
 * How long a batch waits for one row that somebody else has locked, before it goes on without the calls that need it.
 * Longer than a batch of another lane or process holds its locks on a healthy machine, and short beside a caller's
 * patience: so long one lane stands still.
 */
export const LOCK_WAIT_MS = 250;

/**
 * How long a transaction may hold its locks while its client sends nothing: then Postgres ends the session, and a process
 * that is paused no longer holds up the others. Longer than the one thing that a batch waits for in the middle, its marks
 * in Redis: where Redis is away, these take REDIS_TIMEOUT_MS and a cache lease of 1 s.
 */
export const IDLE_IN_TRANSACTION_MS = 2_500;

/** The same for a transaction whose lock stops nobody's payment, and inside which a job does its work. */
export const PATIENT_IDLE_IN_TRANSACTION_MS = 10_000;

/** How long calls that were set aside wait for their row at a time; then other rows' calls have their turn. */
export const ASIDE_LOCK_WAIT_MS = 2 * LOCK_WAIT_MS;

/** How often it is asked which of the rows that calls were set aside for are free again. */
export const ASIDE_POLL_MS = 50;

/** A call that was set aside is refused so long before its deadline, so that its caller hears why. */
export const ASIDE_MARGIN_MS = 250;

/** How long a call without a deadline stays set aside. */
export const ASIDE_MAX_MS = 10_000;
