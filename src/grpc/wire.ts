// Checks that a request's bytes are one plain encoding of its message, so that no two readers can take them for two messages.

import { isUtf8 } from 'node:buffer';
import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { InvariantError } from '../domain/error-fields.ts';
import type { Words } from '../domain/words.ts';

/** What is wrong with a request's bytes, and where. */
export interface WireFault {
  /** `malformed`: not one plain encoding of the message. `value`: well encoded, and never acceptable. */
  readonly kind: 'malformed' | 'value';
  /** The path of the field as callers know it: `amount.currency_code`, `items[3]`; empty where it is the message itself. */
  readonly field: string;
  readonly description: Words;
}

/** Undefined where the bytes are one plain encoding of the message. */
export type WireCheck = (bytes: Uint8Array) => WireFault | undefined;

/** Wire types (protobuf.dev, 'Message Structure'). Groups (3 and 4) are not among them: no request has any. */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** What a varint or the bytes of a field may hold. */
type Content = 'int32' | 'uint32' | 'bool' | 'varint64' | 'fixed' | 'string' | 'bytes' | 'message';

interface Field {
  readonly name: string;
  readonly wireType: number;
  readonly content: Content;
  readonly isList: boolean;
  /** How many elements a list may have. */
  readonly maxItems: number;
  /** Where its count stands in the message's counts. The members of a oneof share one: only one of them may be there. */
  readonly slot: number;
  readonly message: Message | undefined;
}

interface Message {
  /** By their numbers. */
  readonly fields: readonly (Field | undefined)[];
  readonly slots: number;
}

/** A list of a message, and how many elements its contract allows in it. */
export type MaxItemsOf = (field: DescField) => number;

/**
 * The check of a message. Takes what the writers of all languages write: fields in any order, defaults written or left
 * out, lists of numbers packed or not. Refuses what readers may take differently, and what none of them would tell:
 * unknown fields and groups, other wire types than the contract's, a field that may be there once twice, numbers beyond
 * their type or longer than they need to be, text that is not UTF-8, and anything cut off.
 *
 * Unknown fields are refused although gRPC servers usually ignore them: a newer client's field may be the one that bounds
 * a payment, and to pay without it is worse than to refuse. Over REST they are refused, too.
 */
export function wireCheckOf(message: DescMessage, maxItemsOf: MaxItemsOf): WireCheck {
  const table = tableOf(message, maxItemsOf, []);
  return (bytes) => {
    const reader = new Reader(bytes);
    try {
      readMessage(reader, table, bytes.length);
      return undefined;
    } catch (error) {
      if (error instanceof Fault) return error.said();
      throw error;
    }
  };
}

/** How many elements of a list there are, not looked into; no more than so many are counted. Malformed bytes end the count. */
export function itemCounter(field: DescField): (bytes: Uint8Array, most: number) => number {
  const wanted = field.number * 8 + LENGTH_DELIMITED;
  return (bytes, most) => {
    const reader = new Reader(bytes);
    let count = 0;
    try {
      while (reader.at < bytes.length && count < most) {
        const tag = reader.tag(bytes.length);
        if (tag === wanted) count += 1;
        skip(reader, tag & 7, bytes.length);
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
    return count;
  };
}

function tableOf(message: DescMessage, maxItemsOf: MaxItemsOf, above: readonly DescMessage[]): Message {
  // The depth of a request is what its contract says, so that nobody's bytes decide how deep we recurse.
  if (above.includes(message)) throw new InvariantError(`${message.typeName} contains itself`);
  const fields: (Field | undefined)[] = [];
  const slots = new Map<unknown, number>();
  for (const field of message.fields) {
    const key = field.oneof ?? field;
    const slot = slots.get(key) ?? slots.size;
    slots.set(key, slot);
    const child = field.message ? tableOf(field.message, maxItemsOf, [...above, message]) : undefined;
    const content = contentOf(field);
    const isList = field.fieldKind === 'list';
    fields[field.number] = {
      name: field.name,
      content,
      wireType: wireTypeOf(content, field),
      isList,
      maxItems: isList ? maxItemsOf(field) : 1,
      slot,
      message: child,
    };
  }
  return { fields, slots: slots.size };
}

const CONTENT_BY_SCALAR: Readonly<Record<ScalarType, Content>> = {
  [ScalarType.INT32]: 'int32',
  [ScalarType.UINT32]: 'uint32',
  [ScalarType.SINT32]: 'uint32',
  [ScalarType.BOOL]: 'bool',
  [ScalarType.INT64]: 'varint64',
  [ScalarType.UINT64]: 'varint64',
  [ScalarType.SINT64]: 'varint64',
  [ScalarType.FIXED32]: 'fixed',
  [ScalarType.SFIXED32]: 'fixed',
  [ScalarType.FLOAT]: 'fixed',
  [ScalarType.FIXED64]: 'fixed',
  [ScalarType.SFIXED64]: 'fixed',
  [ScalarType.DOUBLE]: 'fixed',
  [ScalarType.STRING]: 'string',
  [ScalarType.BYTES]: 'bytes',
};

function contentOf(field: DescField): Content {
  if (field.fieldKind === 'map') throw new InvariantError(`${field} is a map, which no request has`);
  if (field.message) return 'message';
  if (field.enum) return 'int32';
  return CONTENT_BY_SCALAR[field.scalar as ScalarType];
}

function wireTypeOf(content: Content, { scalar }: DescField): number {
  if (content === 'string' || content === 'bytes' || content === 'message') return LENGTH_DELIMITED;
  if (content !== 'fixed') return VARINT;
  const isShort = [ScalarType.FIXED32, ScalarType.SFIXED32, ScalarType.FLOAT].includes(scalar as ScalarType);
  return isShort ? FIXED32 : FIXED64;
}

/** Thrown inside this file only; the path grows on the way up. */
class Fault extends Error {
  readonly #words: Words;
  readonly #kind: WireFault['kind'];
  #path = '';

  constructor(words: Words, kind: WireFault['kind'] = 'malformed') {
    super(words.en);
    this.#words = words;
    this.#kind = kind;
  }

  under(step: string): this {
    this.#path = this.#path === '' ? step : `${step}.${this.#path}`;
    return this;
  }

  said(): WireFault {
    return { kind: this.#kind, field: this.#path, description: this.#words };
  }
}

const CUT_OFF: Words = { en: 'is cut off', ko: '중간에 잘렸습니다' };
const TOO_LONG_NUMBER: Words = {
  en: 'has a number that is written longer than it needs to be',
  ko: '숫자가 필요 이상으로 길게 적혀 있습니다',
};
const TOO_LARGE_NUMBER: Words = {
  en: 'has a number of more than 64 bits',
  ko: '64비트를 넘는 숫자가 있습니다',
};
const NO_NUMBER: Words = { en: 'has a field without a number', ko: '번호가 없는 필드가 있습니다' };
const TWICE: Words = { en: 'must not be there twice', ko: '두 번 있으면 안 됩니다' };
const NOT_UTF8: Words = { en: 'must be UTF-8', ko: 'UTF-8이어야 합니다' };
const NUL: Words = { en: 'must not have a NUL character', ko: 'NUL 문자가 있으면 안 됩니다' };
const unknownField = (number: number): Words => ({
  en: `has a field with the number ${number}, which is not in the contract`,
  ko: `계약에 없는 ${number}번 필드가 있습니다`,
});
const wrongWireType = (got: number, wanted: number): Words => ({
  en: `has the wire type ${got} instead of ${wanted}`,
  ko: `와이어 타입이 ${wanted}이어야 하는데 ${got}입니다`,
});
const tooManyItems = (most: number): Words => ({
  en: `must have at most ${most} items`,
  ko: `항목이 ${most}개 이하여야 합니다`,
});
const beyondRange = (content: Content): Words => ({
  en: `must be within the range of ${content}`,
  ko: `${content} 범위 안에 있어야 합니다`,
});

/** A place in the bytes, and the varint that was read last. */
class Reader {
  readonly bytes: Uint8Array;
  at = 0;
  /** The lower and the upper 32 bits of it. */
  low = 0;
  high = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Reads a varint of at most 64 bits that is no longer than it needs to be. */
  varint(end: number): void {
    const start = this.at;
    this.low = 0;
    this.high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= end) throw new Fault(CUT_OFF);
      const byte = this.bytes[this.at++] as number;
      const seven = byte & 0x7f;
      if (shift < 28) this.low |= seven << shift;
      else if (shift === 28) {
        this.low |= seven << 28;
        this.high = seven >>> 4;
      } else this.high |= seven << (shift - 32);
      if (byte < 0x80) {
        if (byte === 0 && this.at - start > 1) throw new Fault(TOO_LONG_NUMBER);
        if (shift === 63 && byte > 1) break;
        this.low >>>= 0;
        this.high >>>= 0;
        return;
      }
    }
    throw new Fault(TOO_LARGE_NUMBER);
  }

  tag(end: number): number {
    this.varint(end);
    if (this.high !== 0 || this.low < 8) throw new Fault(NO_NUMBER);
    return this.low;
  }

  /** Reads a length, and returns where what has this length ends. */
  length(end: number): number {
    this.varint(end);
    if (this.high !== 0 || this.low > end - this.at) throw new Fault(CUT_OFF);
    return this.at + this.low;
  }
}

function skip(reader: Reader, wireType: number, end: number): void {
  if (wireType === VARINT) reader.varint(end);
  else if (wireType === LENGTH_DELIMITED) reader.at = reader.length(end);
  else {
    const size = wireType === FIXED64 ? 8 : wireType === FIXED32 ? 4 : Number.POSITIVE_INFINITY;
    if (reader.at + size > end) throw new Fault(CUT_OFF);
    reader.at += size;
  }
}

function readMessage(reader: Reader, { fields, slots }: Message, end: number): void {
  const counts = new Uint32Array(slots);
  while (reader.at < end) {
    const tag = reader.tag(end);
    const field = fields[tag >>> 3];
    if (!field) throw new Fault(unknownField(tag >>> 3));
    const count = counts[field.slot] as number;
    counts[field.slot] = count + 1;
    if (count > 0 && !field.isList) throw new Fault(TWICE).under(field.name);
    try {
      const wireType = tag & 7;
      if (wireType === field.wireType) readValue(reader, field, end);
      else if (field.isList && wireType === LENGTH_DELIMITED)
        counts[field.slot] = count + readPacked(reader, field, end, count);
      else throw new Fault(wrongWireType(wireType, field.wireType));
    } catch (error) {
      throw error instanceof Fault
        ? error.under(field.isList ? `${field.name}[${count}]` : field.name)
        : error;
    }
    if ((counts[field.slot] as number) > field.maxItems && field.isList) {
      throw new Fault(tooManyItems(field.maxItems), 'value').under(field.name);
    }
  }
}

/** Reads a packed list of numbers; returns how many there were. Stops once there are too many. */
function readPacked(reader: Reader, field: Field, end: number, before: number): number {
  const packedEnd = reader.length(end);
  let count = 0;
  while (reader.at < packedEnd && before + count <= field.maxItems) {
    readValue(reader, field, packedEnd);
    count += 1;
  }
  return count;
}

function readValue(reader: Reader, { content, message, wireType }: Field, end: number): void {
  if (content === 'string') readString(reader, reader.length(end));
  else if (message) readMessage(reader, message, reader.length(end));
  else if (content === 'bytes' || content === 'fixed') skip(reader, wireType, end);
  else {
    reader.varint(end);
    if (!fits(content, reader)) throw new Fault(beyondRange(content));
  }
}

/** Whether a varint is a value of its type. A negative int32, or enum, is written with the sign in all of the 64 bits. */
function fits(content: Content, { low, high }: Reader): boolean {
  if (content === 'int32') return low < 0x8000_0000 ? high === 0 : high === 0xffff_ffff;
  if (content === 'uint32') return high === 0;
  return content === 'varint64' || (high === 0 && low < 2);
}

/** NUL is refused in all text: PostgreSQL cannot store it, and nobody means it. */
function readString(reader: Reader, end: number): void {
  const { bytes, at: start } = reader;
  reader.at = end;
  let isAscii = true;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === 0) throw new Fault(NUL, 'value');
    if (byte >= 0x80) isAscii = false;
  }
  if (!isAscii && !isUtf8(bytes.subarray(start, end))) throw new Fault(NOT_UTF8);
}
