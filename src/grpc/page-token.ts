// Page tokens: opaque to callers, bound to the list that they came from.
import { hash } from 'node:crypto';
import { refuseField } from '../domain/refusal.ts';
import { END_OF_TIME, type Micros } from '../domain/time.ts';

const VERSION = 1;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NUMBER = /^(?:0|[1-9][0-9]{0,18})$/;
/** What fits into a bigint of PostgreSQL. */
const MAX_INT64 = 2n ** 63n - 1n;

/** Names a list with all that it was asked for: whose, which filters. A token works only for the list it came from. */
export type ListKey = readonly (string | bigint | number | undefined | readonly string[])[];

/** A place in a list that is ordered by time. */
export interface TimeCursor {
  readonly createdAt: Micros;
  readonly id: string;
}

/** The token of a place in a list that is ordered by time; empty where the list ends. */
export function encodeTimeToken(list: ListKey, place: TimeCursor | undefined): string {
  return place ? write(list, [String(place.createdAt), place.id]) : '';
}

/** Reads what encodeTimeToken wrote for the same list; undefined for the first page. Refuses INVALID_PAGE_TOKEN. */
export function decodeTimeToken(list: ListKey, token: string): TimeCursor | undefined {
  if (token === '') return undefined;
  const [createdAt = '', id = '', ...more] = read(list, token);
  if (!UUID.test(id) || more.length > 0) throw foreign();
  return { createdAt: Number(numberIn(createdAt, BigInt(END_OF_TIME))), id };
}

/** The token of a place in a list that is ordered by user id; empty where the list ends. */
export function encodeUserToken(list: ListKey, place: bigint | undefined): string {
  return place === undefined ? '' : write(list, [place.toString()]);
}

/**
 * Reads what encodeUserToken wrote for the same list; 0 for the first page. `most` is the largest number that the list can
 * go on after. Refuses INVALID_PAGE_TOKEN.
 */
export function decodeUserToken(list: ListKey, token: string, most = MAX_INT64): bigint {
  if (token === '') return 0n;
  const [userId = '', ...more] = read(list, token);
  if (more.length > 0) throw foreign();
  return numberIn(userId, most);
}

/** What a token carries goes into SQL, and must fit there. */
function numberIn(text: string, most: bigint): bigint {
  const number = NUMBER.test(text) ? BigInt(text) : most + 1n;
  if (number > most) throw foreign();
  return number;
}

/*
 * A token is no secret and guards nothing: what a list shows is decided by who asks for it. The digest in it tells
 * tokens of other lists and mangled ones apart, and what it holds is checked like anything that comes from outside.
 */
function write(list: ListKey, place: readonly string[]): string {
  return Buffer.from(JSON.stringify([VERSION, digest(list, place), ...place])).toString('base64url');
}

function read(list: ListKey, token: string): string[] {
  const parts = parse(token);
  if (!Array.isArray(parts) || !parts.slice(1).every((part) => typeof part === 'string')) throw foreign();
  const [version, seal, ...place] = parts as [unknown, string, ...string[]];
  if (version !== VERSION || seal !== digest(list, place)) throw foreign();
  return place;
}

function parse(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    return undefined;
  }
}

function digest(list: ListKey, place: readonly string[]): string {
  const text = JSON.stringify([...list, ...place], (_key, value) =>
    typeof value === 'bigint' ? `${value}` : value,
  );
  return hash('sha256', text, 'base64url').slice(0, 16);
}

function foreign() {
  return refuseField('INVALID_PAGE_TOKEN', 'page_token');
}
