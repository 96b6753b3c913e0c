// Mutates the bytes of a request in ways that two decoders may read differently.
import type { DescMessage } from '@bufbuild/protobuf';
import fc from 'fast-check';

/** One change. Which field and where is taken modulo what there is, so that any numbers will do. */
export interface Mutation {
  readonly kind: (typeof KINDS)[number];
  /** How deep to go into sub-messages before changing something. */
  readonly depth: number;
  readonly at: number;
  readonly value: number;
}

const KINDS = [
  'end-group',
  'group',
  'other-value-before',
  'other-value-after',
  'repeat',
  'wire-type',
  'overlong-varint',
  'unknown-field',
  'truncate',
  'drop',
  'split-message',
  'any-byte',
] as const;

/** Up to five changes, one after the other. */
export const mutations: fc.Arbitrary<readonly Mutation[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...KINDS),
    depth: fc.nat(2),
    at: fc.nat(1000),
    value: fc.nat(1_000_000),
  }),
  { minLength: 1, maxLength: 5 },
);

/** A field as it stands on the wire: its tag and all that belongs to it. */
interface Token {
  readonly number: number;
  readonly wireType: number;
  /** Without the tag, and without the length where it has one. */
  readonly content: Uint8Array;
}

/** Changes bytes of a message; bytes that are no message any more are cut or flipped only. */
export function mutate(desc: DescMessage, bytes: Uint8Array, mutation: Mutation): Uint8Array {
  const { kind, depth, at, value } = mutation;
  if (kind === 'truncate') return bytes.subarray(0, at % (bytes.length + 1));
  if (kind === 'any-byte') {
    const copy = Uint8Array.from(bytes);
    if (copy.length > 0) copy[at % copy.length] = value % 256;
    return copy;
  }
  const tokens = tokensOf(bytes);
  if (!tokens) return bytes;
  const index = tokens.length === 0 ? 0 : at % tokens.length;
  const token = tokens[index];
  const field = desc.fields.find(({ number }) => number === token?.number);
  if (depth > 0 && token && field?.message && token.wireType === 2) {
    const inner = mutate(field.message, token.content, {
      ...mutation,
      depth: depth - 1,
      at: Math.floor(at / 3),
    });
    return write(tokens.with(index, { ...token, content: inner }));
  }
  return Buffer.concat(change(desc, tokens, index, kind, value));
}

function change(
  desc: DescMessage,
  tokens: readonly Token[],
  index: number,
  kind: Mutation['kind'],
  value: number,
): Uint8Array[] {
  const before = write(tokens.slice(0, index));
  const token = tokens[index];
  const after = write(tokens.slice(index + 1));
  const own = token ? write([token]) : new Uint8Array();
  const numbers = [...desc.fields.map(({ number }) => number), 1, 99];
  const number = numbers[value % numbers.length] ?? 1;
  const other = write([otherValue(desc, token?.number ?? number, value)]);
  if (kind === 'end-group') return [before, varint(number * 8 + 4), own, after];
  if (kind === 'group') return [before, varint(number * 8 + 3), own, varint(number * 8 + 4), after];
  if (kind === 'other-value-before') return [before, other, own, after];
  if (kind === 'other-value-after') return [before, own, other, after];
  if (kind === 'repeat') return [before, own, own, after];
  if (kind === 'unknown-field')
    return [before, own, write([{ number: 50 + (value % 9), wireType: 0, content: varint(value) }]), after];
  if (kind === 'drop' || !token) return [before, after];
  if (kind === 'wire-type') return [before, varint(token.number * 8 + (value % 8)), token.content, after];
  if (kind === 'overlong-varint') return [before, overlong(token), after];
  return [before, ...split(token, value), after];
}

/** The same field with a value that its contract hardly allows. */
function otherValue(desc: DescMessage, number: number, value: number): Token {
  const field = desc.fields.find((one) => one.number === number);
  if (field?.scalar === 9 || field?.scalar === 12) {
    const texts = [
      '',
      'x'.repeat(900),
      'a\0b',
      '\u200b',
      '\uffff'.repeat(201),
      'ABCD',
      '00000000-0000-0000-0000-000000000000',
    ];
    const wrong = [
      Buffer.from([0xff]),
      Buffer.from([0xed, 0xa0, 0x80]),
      Buffer.from([0xc0, 0x80]),
      Buffer.from([0xf0, 0x90, 0x80]),
    ];
    const contents = [...texts.map((text) => Buffer.from(text)), ...wrong];
    return { number, wireType: 2, content: contents[value % contents.length] as Buffer };
  }
  if (field?.message) return { number, wireType: 2, content: new Uint8Array() };
  const values = [
    0n,
    1n,
    -1n,
    101n,
    2_000_000n,
    2n ** 31n - 1n,
    2n ** 31n,
    2n ** 32n + 1n,
    2n ** 62n,
    2n ** 63n,
    2n ** 64n - 1n,
  ];
  return { number, wireType: 0, content: varint(values[value % values.length] as bigint) };
}

function overlong(token: Token): Buffer {
  const pad = (bytes: Uint8Array) => {
    const copy = [...bytes];
    copy[copy.length - 1] = (copy.at(-1) ?? 0) | 0x80;
    return Buffer.from([...copy, 0]);
  };
  const tag = varint(token.number * 8 + token.wireType);
  if (token.wireType === 0) return Buffer.concat([tag, pad(token.content)]);
  return Buffer.concat([pad(tag), write([token]).subarray(tag.length)]);
}

/** A sub-message in two pieces, which some decoders merge and some don't; other fields twice. */
function split(token: Token, value: number): Uint8Array[] {
  const cut = value % (token.content.length + 1);
  return [
    write([{ ...token, content: token.content.subarray(0, cut) }]),
    write([{ ...token, content: token.content.subarray(cut) }]),
  ];
}

function write(tokens: readonly Token[]): Buffer {
  return Buffer.concat(
    tokens.flatMap(({ number, wireType, content }) => [
      varint(number * 8 + wireType),
      ...(wireType === 2 ? [varint(content.length)] : []),
      content,
    ]),
  );
}

function varint(value: number | bigint): Buffer {
  let left = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    bytes.push(Number(left & 0x7fn) | (left > 0x7fn ? 0x80 : 0));
    left >>= 7n;
  } while (left > 0n);
  return Buffer.from(bytes);
}

/** Undefined for bytes that are no fields. */
function tokensOf(bytes: Uint8Array): Token[] | undefined {
  const tokens: Token[] = [];
  let at = 0;
  const next = (): number => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) return -1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(value);
    }
    return -1;
  };
  while (at < bytes.length) {
    const tag = next();
    const [number, wireType] = [Math.floor(tag / 8), tag % 8];
    const start = at;
    if (tag < 0) return undefined;
    if (wireType === 0) {
      if (next() < 0) return undefined;
      tokens.push({ number, wireType, content: bytes.subarray(start, at) });
    } else if (wireType === 2) {
      const length = next();
      if (length < 0 || at + length > bytes.length) return undefined;
      tokens.push({ number, wireType, content: bytes.subarray(at, at + length) });
      at += length;
    } else if (wireType === 1 || wireType === 5) {
      at += wireType === 1 ? 8 : 4;
      if (at > bytes.length) return undefined;
      tokens.push({ number, wireType, content: bytes.subarray(start, at) });
    } else {
      tokens.push({ number, wireType, content: new Uint8Array() });
    }
  }
  return tokens;
}
