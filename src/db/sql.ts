// How values cross between the program and SQL: moments, big whole numbers and arrays.
import { MICROS_PER_MS, type Micros } from '../domain/time.ts';

/** An SQL expression for a timestamptz as whole microseconds since 1970; read it with Number(). */
export function microsOf(expression: string): string {
  return `(extract(epoch FROM ${expression}) * 1000000)::bigint`;
}

/** A moment as text that Postgres reads as a timestamptz without losing a microsecond. */
export function timestamptz(moment: Micros): string {
  // Cut down, not rounded towards zero: before 1970 moments are below zero, and what is left over is not.
  const ms = Math.floor(moment / MICROS_PER_MS);
  const iso = new Date(ms).toISOString();
  return `${iso.slice(0, -1)}${String(moment - ms * MICROS_PER_MS).padStart(3, '0')}Z`;
}

const NEEDS_ESCAPE = /["\\]/;
const ESCAPED = /["\\]/g;

/**
 * An array literal of values that need no quoting (UUIDs, numbers, names of kinds). It is passed as one parameter;
 * writing it here is several times cheaper than what the driver does for arrays of any kind.
 */
export function plainArray(values: readonly (string | number | bigint)[]): string {
  return `{${values.join(',')}}`;
}

/** An array literal of any texts; undefined becomes NULL. */
export function textArray(values: readonly (string | undefined)[]): string {
  return `{${values.map(textElement).join(',')}}`;
}

/** An element of an array literal of texts. */
export function textElement(value: string | undefined): string {
  if (value === undefined) return 'NULL';
  // Most need none of it, and to replace nothing costs several times more than to look.
  return NEEDS_ESCAPE.test(value) ? `"${value.replace(ESCAPED, '\\$&')}"` : `"${value}"`;
}

/** A driver's Date as a moment; Dates are cut down to the millisecond. */
export function microsOfDate(date: Date): Micros {
  return date.getTime() * MICROS_PER_MS;
}
