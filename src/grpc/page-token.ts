// Page tokens (AIP-158) and cursors of streams: opaque to callers, and valid only for the list or the stream that they came from.
import { hash } from 'node:crypto';
import { IS_NO_CURSOR } from '../domain/event.ts';
import { refuseField } from '../domain/refusal.ts';
import { END_OF_TIME, type Micros } from '../domain/time.ts';

const VERSION = 1;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NUMBER = /^(?:0|[1-9][0-9]{0,18})$/;
/** The largest bigint of PostgreSQL. */
const MAX_INT64 = 2n ** 63n - 1n;

/** Identifies a list: whose it is, and every filter of the request. */
export type ListKey = readonly (string | bigint | number | undefined | readonly string[])[];

/** The last item of a page, in a list that is ordered by time. */
export interface TimeCursor {
  readonly createdAt: Micros;
  readonly id: string;
}

/** The token of the next page, in a list that is ordered by time; empty after the last page. */
export function encodeTimeToken(list: ListKey, place: TimeCursor | undefined): string {
  return place ? write(list, [String(place.createdAt), place.id]) : '';
}

/** Decodes a token of `encodeTimeToken` for the same list; undefined for the first page. Refuses INVALID_PAGE_TOKEN. */
export function decodeTimeToken(list: ListKey, token: string): TimeCursor | undefined {
  if (token === '') return undefined;
  const [createdAt = '', id = '', ...more] = read(list, token);
  if (!UUID.test(id) || more.length > 0) throw invalidToken();
  return { createdAt: Number(numberIn(createdAt, BigInt(END_OF_TIME))), id };
}

/** The token of the next page, in a list that is ordered by a number such as a user's id; empty after the last page. */
export function encodeUserToken(list: ListKey, place: bigint | undefined): string {
  return place === undefined ? '' : write(list, [place.toString()]);
}

/**
 * Decodes a token of `encodeUserToken` for the same list; 0 for the first page. `max` is the largest number in the list.
 * Refuses INVALID_PAGE_TOKEN.
 */
export function decodeUserToken(list: ListKey, token: string, max = MAX_INT64): bigint {
  if (token === '') return 0n;
  const [userId = '', ...more] = read(list, token);
  if (more.length > 0) throw invalidToken();
  return numberIn(userId, max);
}

/** The cursor of a place in a stream that is ordered by time. */
export function encodeCursor(stream: ListKey, place: TimeCursor): string {
  return write(stream, [String(place.createdAt), place.id]);
}

/** Decodes a cursor of `encodeCursor` for the same stream. Refuses INVALID_FIELD, naming the field that it came in. */
export function decodeCursor(stream: ListKey, { cursor, field }: ResumePoint): TimeCursor | undefined {
  try {
    return decodeTimeToken(stream, cursor);
  } catch {
    throw refuseField('INVALID_FIELD', field, IS_NO_CURSOR);
  }
}

/** Where a stream goes on, and the field that says so. */
export interface ResumePoint {
  /** Empty for a stream that begins with the present. */
  readonly cursor: string;
  readonly field: string;
}

/**
 * What a request says about where its stream goes on. The header counts more: a reader of server-sent events that connects
 * again repeats its URL (WHATWG HTML, section 9.2).
 */
export function resumePoint(afterCursor: string, lastEventId: string | undefined): ResumePoint {
  return lastEventId === undefined
    ? { cursor: afterCursor, field: 'after_cursor' }
    : { cursor: lastEventId, field: 'last-event-id' };
}

/** Numbers of a token go into SQL, so they have to be in range. */
function numberIn(text: string, max: bigint): bigint {
  const number = NUMBER.test(text) ? BigInt(text) : max + 1n;
  if (number > max) throw invalidToken();
  return number;
}

/*
 * A token is no secret and grants nothing: the caller decides what a list shows. Its digest detects tokens of other lists
 * and damaged ones, and its contents are validated like any other input.
 */
function write(list: ListKey, place: readonly string[]): string {
  return Buffer.from(JSON.stringify([VERSION, digest(list, place), ...place])).toString('base64url');
}

function read(list: ListKey, token: string): string[] {
  const fields = parse(token);
  if (!Array.isArray(fields) || !fields.slice(1).every((field) => typeof field === 'string'))
    throw invalidToken();
  const [version, seal, ...place] = fields as [unknown, string, ...string[]];
  if (version !== VERSION || seal !== digest(list, place)) throw invalidToken();
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
  const text = JSON.stringify(
    [...list, ...place].map((value) => (typeof value === 'bigint' ? `${value}` : value)),
  );
  return hash('sha256', text, 'base64url').slice(0, 16);
}

function invalidToken() {
  return refuseField('INVALID_PAGE_TOKEN', 'page_token');
}
