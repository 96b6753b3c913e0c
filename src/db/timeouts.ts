// How long things at Postgres may take, in milliseconds, and how these times depend on each other.

/**
 * How long a batch waits for one row that somebody else has locked, before it goes on without the calls that need it.
 * Longer than a batch of another lane or process holds its locks on a healthy machine, and short beside a caller's
 * patience: so long one lane stands still.
 */
export const LOCK_WAIT_MS = 250;

/**
 * How long a transaction may hold its locks while its client sends nothing: then Postgres ends the session, and a process
 * that is paused no longer holds up the others. Longer than the one thing that a batch waits for in the middle, its
 * tombstones in Redis: where Redis is away, these take 100 ms for a command and a cache lease of 1 s.
 */
export const IDLE_IN_TRANSACTION_MS = 2_500;

/** The same for a transaction whose lock stops nobody's payment, and inside which a job does its work. */
export const PATIENT_IDLE_IN_TRANSACTION_MS = 10_000;

/**
 * STATEMENT_TIMEOUT_MS where it is not set: then Postgres ends a statement. With ANSWER_LATE_MS it is less than a call may
 * take (CALL_TIMEOUT_MS, 9 s), so a caller on a dead connection is answered before its deadline.
 */
export const STATEMENT_TIMEOUT_MS = 5_000;

/**
 * How long after a statement's timeout its answer is waited for. Postgres ends the statement itself, so whoever has heard
 * nothing by then has a connection that is dead without saying so, and closes it.
 */
export const ANSWER_LATE_MS = 1_000;

/** How long opening a connection, or waiting for one of a pool, may take. */
export const CONNECT_TIMEOUT_MS = 5_000;

/** When TCP begins to ask whether an idle connection still has another end; it gives up 10 s after that (libuv). */
export const KEEPALIVE_DELAY_MS = 5_000;

/** After so long without an answer, a pool in use or a ledger with full lanes is doubted. */
export const SILENCE_MS = 3_000;

/**
 * How long calls that were set aside wait for their row at a time; then other rows' calls have their turn. Each turn in
 * vain doubles the next one, up to the longest, because where many queue for a row only who stays gets it. Less than a
 * statement may take: where STATEMENT_TIMEOUT_MS is set lower, that ends the wait, and the calls are refused.
 */
export const DEFERRED_LOCK_WAIT_MS = 2 * LOCK_WAIT_MS;
export const DEFERRED_LONGEST_LOCK_WAIT_MS = 4_000;

/** The least that STATEMENT_TIMEOUT_MS can be: longer than a batch waits for a lock, or locks would look like an outage. */
export const LEAST_STATEMENT_TIMEOUT_MS = 4 * LOCK_WAIT_MS;

/**
 * A batch commits its transfers less than this after the moment that they carry: once it has passed, the figures of an hour
 * or a day are complete. Only a COMMIT that waits for a synchronous standby takes longer, and only while that is away.
 */
export const SETTLED_AFTER_MS = 60_000;

/** How often a batch waits for Postgres after its moment is taken: for the rest of what it reads, its writes, its COMMIT. */
const WAITS_OF_A_BATCH = 3;

/**
 * The most that STATEMENT_TIMEOUT_MS can be. Each wait ends with the statement's timeout and ANSWER_LATE_MS, and between
 * two of them a transaction is idle for IDLE_IN_TRANSACTION_MS at most; all of that has to fit into SETTLED_AFTER_MS.
 */
export const MOST_STATEMENT_TIMEOUT_MS =
  Math.floor((SETTLED_AFTER_MS - IDLE_IN_TRANSACTION_MS) / WAITS_OF_A_BATCH) - ANSWER_LATE_MS;

/** How often it is asked which of the rows that calls were set aside for are free again. */
export const DEFERRED_POLL_MS = 50;

/** A call that was set aside is refused so long before its deadline, so that its caller hears why. */
export const DEFERRED_MARGIN_MS = 250;

/** How long a call without a deadline stays set aside. */
export const DEFERRED_MAX_MS = 10_000;
