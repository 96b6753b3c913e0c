// Writes values of the domain as JSON and reads them back; whole numbers beyond 2^53 keep all of their digits.
import type { Kind } from '../redis/index.ts';
import { MISSING_TTL_MS, TTL_MS } from './lifetimes.ts';

/** A kind of things that are kept as JSON and have no version of their own; undefined means that there is no such thing. */
export function jsonKind<T>(name: string): Kind<T | undefined> {
  return {
    name,
    ttlMs: (value) => (value === undefined ? MISSING_TTL_MS : TTL_MS),
    versionOf: () => 0,
    write: (value) => (value === undefined ? '' : JSON.stringify(value, hideBigInt)),
    read: (text) => (text === '' ? undefined : (JSON.parse(text, showBigInt) as T)),
  };
}

/** A bigint becomes an object with this one field, which no value of the domain has. */
const BIGINT = '$bigint';

function hideBigInt(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? { [BIGINT]: value.toString() } : value;
}

function showBigInt(_name: string, value: unknown): unknown {
  const digits =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[BIGINT] : undefined;
  return typeof digits === 'string' ? BigInt(digits) : value;
}
