// Checks that bytes are one plain encoding of a message, so that no two decoders can read two different messages.

import { isUtf8 } from 'node:buffer';
import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { InvariantError } from '../domain/error-fields.ts';
import type { LocalizedText } from '../domain/localized-text.ts';

/** What is wrong with a request's bytes, and in which field. */
export interface WireFault {
  /** `malformed`: not one plain encoding of the message. `value`: well encoded, and never acceptable. */
  readonly kind: 'malformed' | 'value';
  /** The path of the field: `amount.currency_code`, `items[3]`; empty for the message itself. */
  readonly field: string;
  readonly description: LocalizedText;
}

/** Returns undefined for bytes that are one plain encoding of the message. */
export type WireCheck = (bytes: Uint8Array) => WireFault | undefined;

/** Wire types (protobuf.dev, 'Message Structure'). Groups (3 and 4) have no constant: no request has any. */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** The content of a field, as far as its encoding depends on it. */
type Content = 'int32' | 'uint32' | 'bool' | 'varint64' | 'fixed' | 'string' | 'bytes' | 'message';

interface Field {
  readonly name: string;
  readonly wireType: number;
  readonly content: Content;
  readonly isList: boolean;
  /** The max_items of a list; 1 for other fields. */
  readonly maxItems: number;
  /** Its index in the counts of the message. The members of a oneof share one, since only one of them may be set. */
  readonly slot: number;
  readonly message: Message | undefined;
}

interface Message {
  /** By field number. */
  readonly fields: readonly (Field | undefined)[];
  readonly slots: number;
}

/** The max_items of a list. */
export type MaxItemsOf = (field: DescField) => number;

/**
 * The check of a message. It accepts what encoders of all languages write: fields in any order, defaults present or not,
 * lists of numbers packed or not. It refuses what decoders read differently or hide: unknown fields, groups, wrong wire
 * types, repeated singular fields, integers out of range or longer than necessary, text that is not UTF-8, and truncation.
 *
 * gRPC servers usually ignore unknown fields. Here they are refused, as over REST: a newer client's field may limit a
 * payment, and to pay without it is worse than to refuse.
 */
export function wireCheckOf(message: DescMessage, maxItemsOf: MaxItemsOf): WireCheck {
  const table = tableOf(message, maxItemsOf, []);
  return (bytes) => {
    const reader = new Reader(bytes);
    try {
      readMessage(reader, table, bytes.length);
      return undefined;
    } catch (error) {
      if (error instanceof Fault) return error.toWireFault();
      throw error;
    }
  };
}

/** Counts the elements of a list, up to `max`, without decoding them. Malformed bytes end the count. */
export function itemCounter(field: DescField): (bytes: Uint8Array, max: number) => number {
  const wanted = field.number * 8 + LENGTH_DELIMITED;
  return (bytes, max) => {
    const reader = new Reader(bytes);
    let count = 0;
    try {
      while (reader.at < bytes.length && count < max) {
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
  // The contract bounds the depth of a request, so that no bytes can make the recursion deeper.
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

/** Thrown within this file only. The path is completed on the way up. */
class Fault extends Error {
  readonly #words: LocalizedText;
  readonly #kind: WireFault['kind'];
  #path = '';

  constructor(words: LocalizedText, kind: WireFault['kind'] = 'malformed') {
    super(words.en);
    this.#words = words;
    this.#kind = kind;
  }

  under(step: string): this {
    this.#path = this.#path === '' ? step : `${step}.${this.#path}`;
    return this;
  }

  toWireFault(): WireFault {
    return { kind: this.#kind, field: this.#path, description: this.#words };
  }
}

const CUT_OFF: LocalizedText = { en: 'is cut off', ko: '중간에 잘렸습니다' };
const TOO_LONG_NUMBER: LocalizedText = {
  en: 'has a number that is written longer than it needs to be',
  ko: '숫자가 필요 이상으로 길게 적혀 있습니다',
};
const TOO_LARGE_NUMBER: LocalizedText = {
  en: 'has a number of more than 64 bits',
  ko: '64비트를 넘는 숫자가 있습니다',
};
const NO_NUMBER: LocalizedText = { en: 'has a field without a number', ko: '번호가 없는 필드가 있습니다' };
const TWICE: LocalizedText = { en: 'must not be there twice', ko: '두 번 있으면 안 됩니다' };
const NOT_UTF8: LocalizedText = { en: 'must be UTF-8', ko: 'UTF-8이어야 합니다' };
const NUL: LocalizedText = { en: 'must not have a NUL character', ko: 'NUL 문자가 있으면 안 됩니다' };
const unknownField = (number: number): LocalizedText => ({
  en: `has a field with the number ${number}, which is not in the contract`,
  ko: `계약에 없는 ${number}번 필드가 있습니다`,
});
const wrongWireType = (got: number, wanted: number): LocalizedText => ({
  en: `has the wire type ${got} instead of ${wanted}`,
  ko: `와이어 타입이 ${wanted}이어야 하는데 ${got}입니다`,
});
const tooManyItems = (max: number): LocalizedText => ({
  en: `must have at most ${max} items`,
  ko: `항목이 ${max}개 이하여야 합니다`,
});
const beyondRange = (content: Content): LocalizedText => ({
  en: `must be within the range of ${content}`,
  ko: `${content} 범위 안에 있어야 합니다`,
});

/** A position in the bytes, and the varint that was read last. */
class Reader {
  readonly bytes: Uint8Array;
  at = 0;
  /** The lower and the upper 32 bits of the varint: a bigint for each would cost more than the check. */
  low = 0;
  high = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Reads a varint of at most 64 bits in its shortest form. */
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

  /** Reads a length; returns the end of what has this length. */
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

/** Reads a packed list of numbers; returns their count. Stops above max_items. */
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

/** Whether a varint is in the range of its type. A negative int32 or enum is sign-extended to 64 bits. */
function fits(content: Content, { low, high }: Reader): boolean {
  if (content === 'int32') return low < 0x8000_0000 ? high === 0 : high === 0xffff_ffff;
  if (content === 'uint32') return high === 0;
  return content === 'varint64' || (high === 0 && low < 2);
}

/** NUL is refused in all text: PostgreSQL cannot store it. */
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
