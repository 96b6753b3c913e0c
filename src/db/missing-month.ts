// Recognizes what Postgres says of a transfer whose month has no partition.
import pg from 'pg';

/** Where Postgres looks for the partition of a row (execPartition.c); unlike the message it is the same in every language. */
const ROUTINE = 'ExecFindPartition';

/**
 * The month that a transfer needed and that has no partition, as 2026-11, by UTC; undefined for every other error.
 * Nothing of the transaction is done.
 */
export function missingMonth(error: unknown): string | undefined {
  if (!(error instanceof pg.DatabaseError) || error.routine !== ROUTINE) return undefined;
  // The detail shows the key of the row, in the session's time zone, which is UTC.
  return /\d{4}-\d{2}(?=-\d{2} )/.exec(error.detail ?? '')?.[0] ?? new Date().toISOString().slice(0, 7);
}
