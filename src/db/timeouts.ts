// Timeouts around Postgres, in milliseconds, and how they depend on each other.

/**
 * How long a batch waits for a row that another session has locked, before it goes on without the calls that need it.
 * Longer than other batches hold their locks on a healthy machine, and short compared with a call's deadline: meanwhile
 * one lane does nothing else.
 */
export const LOCK_WAIT_MS = 250;

/**
 * How long a transaction may hold its locks while its client sends nothing. Then Postgres ends the session, so that a
 * paused process does not block the others. Longer than the one thing that a batch waits for in the middle, its
 * tombstones in Redis: where Redis is away, these take 100 ms for a command and a cache lease of 1 s.
 */
export const IDLE_IN_TRANSACTION_MS = 2_500;

/** The same for transactions whose locks block no payment, in which a job does its work, and for migrations. */
export const PATIENT_IDLE_IN_TRANSACTION_MS = 10_000;

/**
 * The default of STATEMENT_TIMEOUT_MS, after which Postgres ends a statement. Together with ANSWER_LATE_MS it is less than
 * CALL_TIMEOUT_MS (9 s), so a caller on a dead connection is answered before its deadline.
 */
export const STATEMENT_TIMEOUT_MS = 5_000;

/**
 * How long a client waits for the answer after a statement's timeout. Postgres ends the statement itself, so without an
 * answer by then the connection is dead, and the client closes it.
 */
export const ANSWER_LATE_MS = 1_000;

/** How long opening a connection, or waiting for one of a pool, may take. */
export const CONNECT_TIMEOUT_MS = 5_000;

/** When TCP keepalive begins to probe an idle connection; it gives up 10 s later (libuv). */
export const KEEPALIVE_DELAY_MS = 5_000;

/** After this time without an acknowledgement Postgres gives up a client, as clients give up Postgres (10 probes, libuv). */
export const SERVER_SILENCE_MS = 10_000;

/** After this time without an answer, a pool in use or a ledger with full lanes counts as unhealthy. */
export const SILENCE_MS = 3_000;

/**
 * How long deferred calls wait for their row at a time before calls for other rows have their turn. Each failed turn
 * doubles the next one, up to the longest: where many sessions queue for a row, only a long wait reaches it. Less than a
 * statement may take; a lower STATEMENT_TIMEOUT_MS ends the wait earlier, and the calls are refused.
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

/** How often the ledger checks which rows of deferred calls are free again. */
export const DEFERRED_POLL_MS = 50;

/** How long before its deadline a deferred call is refused, so that its caller gets the reason. */
export const DEFERRED_MARGIN_MS = 250;

/** How long a call without a deadline stays deferred. */
export const DEFERRED_MAX_MS = 10_000;
