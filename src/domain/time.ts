// The ledger's time: whole microseconds, the precision of the database's clock.

/** A moment, in microseconds since 1970-01-01T00:00:00Z. Exact as a number until the year 2255. */
export type Micros = number;

/** Bounds before and after everything in the ledger. */
export const BEGINNING_OF_TIME: Micros = -1;
export const END_OF_TIME: Micros = Date.UTC(2200, 0) * 1000;

/** Microseconds in a millisecond. */
export const MICROS_PER_MS = 1000;

/** The moment `ms` milliseconds after another. */
export function afterMs(moment: Micros, ms: number): Micros {
  return moment + Math.round(ms * MICROS_PER_MS);
}
