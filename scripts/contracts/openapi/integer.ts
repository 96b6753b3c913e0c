// Integers in JSON: what is accepted, within which bounds, and what is printed.
import { ScalarType } from '@bufbuild/protobuf';
import type { JsonSchema } from './json.ts';
import { type Constraint, type Rules, unknownRule } from './rules.ts';

interface Kind {
  readonly min: bigint;
  readonly max: bigint;
  readonly format: string | undefined;
  /** Whether JSON carries it as text, which keeps every digit. */
  readonly isText: boolean;
}

const INT32: Kind = { min: -(2n ** 31n), max: 2n ** 31n - 1n, format: 'int32', isText: false };
const UINT32: Kind = { min: 0n, max: 2n ** 32n - 1n, format: undefined, isText: false };
const INT64: Kind = { min: -(2n ** 63n), max: 2n ** 63n - 1n, format: 'int64', isText: true };
const UINT64: Kind = { min: 0n, max: 2n ** 64n - 1n, format: undefined, isText: true };

const KINDS: Partial<Record<ScalarType, Kind>> = {
  [ScalarType.INT32]: INT32,
  [ScalarType.SINT32]: INT32,
  [ScalarType.SFIXED32]: INT32,
  [ScalarType.UINT32]: UINT32,
  [ScalarType.FIXED32]: UINT32,
  [ScalarType.INT64]: INT64,
  [ScalarType.SINT64]: INT64,
  [ScalarType.SFIXED64]: INT64,
  [ScalarType.UINT64]: UINT64,
  [ScalarType.FIXED64]: UINT64,
};

/** The whole numbers between two bounds, both included. */
export interface Range {
  readonly min: bigint;
  readonly max: bigint;
}

/** What an integer looks like in answers: Envoy prints those of 64 bits as strings. */
export function integerAnswer(type: ScalarType): JsonSchema | undefined {
  const kind = KINDS[type];
  if (!kind) return undefined;
  if (!kind.isText) return { type: 'integer', format: kind.format };
  return { type: 'string', format: kind.format, pattern: textPattern(kind) };
}

/**
 * What an integer looks like in requests: as in answers. Numbers are accepted for 64 bits, too, but one type is said,
 * because most generators of clients cannot read a list of types.
 */
export function integerRequest(type: ScalarType): JsonSchema | undefined {
  const kind = KINDS[type];
  return kind && { type: kind.isText ? 'string' : 'integer', format: kind.format };
}

/** The keywords for an integer between bounds: a pattern for those of 64 bits, which are strings. */
export function rangeKeywords(type: ScalarType, range: Partial<Range>): JsonSchema {
  const kind = KINDS[type] ?? INT64;
  const bounds = { min: range.min ?? kind.min, max: range.max ?? kind.max };
  return kind.isText ? { pattern: textPattern(bounds) } : { minimum: bounds.min, maximum: bounds.max };
}

/** The keywords for the rules of an integer. */
export function integerConstraint(type: ScalarType, rules: Rules): Constraint {
  let min: bigint | undefined;
  let max: bigint | undefined;
  let more: JsonSchema = {};
  const forms = (values: unknown) =>
    [values].flat().map((value) => (KINDS[type]?.isText ? String(value) : BigInt(String(value))));
  for (const [name, value] of Object.entries(rules)) {
    if (name === 'gt') min = BigInt(String(value)) + 1n;
    else if (name === 'gte') min = BigInt(String(value));
    else if (name === 'lt') max = BigInt(String(value)) - 1n;
    else if (name === 'lte') max = BigInt(String(value));
    else if (name === 'const' || name === 'in') more = { ...more, enum: forms(value) };
    else if (name === 'not_in') more = { ...more, not: { enum: forms(value) } };
    else throw unknownRule('int', name);
  }
  if (min !== undefined && max !== undefined && min > max) throw unknownRule('int', 'gt above lt');
  return {
    keywords: {
      ...rangeKeywords(type, { ...(min !== undefined && { min }), ...(max !== undefined && { max }) }),
      ...more,
    },
    notes: [],
  };
}

/** What a string of digits between the bounds looks like: the upper one exactly, the lower one by its sign. */
function textPattern({ min, max }: Range): string {
  const positive = max === INT64.max || max === UINT64.max ? anyUpTo(max) : exactlyUpTo(String(max));
  if (min > 0n) return `^${positive}$`;
  return `^${min < 0n ? '-?' : ''}(?:0|${positive})$`;
}

/** The limit of the type goes without saying: by the number of digits is enough, and can be read. */
function anyUpTo(max: bigint): string {
  return `[1-9][0-9]{0,${String(max).length - 1}}`;
}

/** 1 to 9054: fewer digits; or as many, of which the first that is not the same is smaller; or 9054 itself. */
function exactlyUpTo(max: string): string {
  const smaller = [...max].flatMap((digit, index) => {
    const choices = '0123456789'.slice(index === 0 ? 1 : 0, Number(digit));
    if (choices === '') return [];
    const choice = choices.length === 1 ? choices : `[${choices[0]}-${choices.at(-1)}]`;
    return [`${max.slice(0, index)}${choice}${anyDigits(max.length - index - 1)}`];
  });
  const shorter = max.length > 1 ? [anyUpTo(10n ** BigInt(max.length - 1) - 1n)] : [];
  return `(?:${[...shorter, ...smaller, max].join('|')})`;
}

function anyDigits(count: number): string {
  return ['', '[0-9]'][count] ?? `[0-9]{${count}}`;
}
