// Validation rules as keywords of JSON Schema, and as sentences where JSON Schema has no keyword.
import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type JsonValue,
  ScalarType,
} from '@bufbuild/protobuf';
import type { JsonObject, JsonSchema } from './json.ts';
import { ecmaPattern } from './pattern.ts';
import { type CelRule, note, type Rules, unknownRule } from './rules.ts';

/** What rules come to: keywords, and sentences for the rest. */
export interface Constraint {
  readonly keywords: JsonSchema;
  readonly notes: readonly string[];
}

interface IntegerKind {
  readonly min: bigint;
  readonly max: bigint;
  readonly format: string | undefined;
  /** Whether JSON carries it as a string, which keeps every digit. */
  readonly isText: boolean;
}

const INT32: IntegerKind = { min: -(2n ** 31n), max: 2n ** 31n - 1n, format: 'int32', isText: false };
const UINT32: IntegerKind = { min: 0n, max: 2n ** 32n - 1n, format: undefined, isText: false };
const INT64: IntegerKind = { min: -(2n ** 63n), max: 2n ** 63n - 1n, format: 'int64', isText: true };
const UINT64: IntegerKind = { min: 0n, max: 2n ** 64n - 1n, format: undefined, isText: true };

const INTEGERS: Partial<Record<ScalarType, IntegerKind>> = {
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

/** Integers between two bounds, both included. */
interface Range {
  readonly min: bigint;
  readonly max: bigint;
}

/** An integer in an answer; undefined for other types. Envoy prints integers of 64 bits as strings. */
export function integerAnswer(type: ScalarType): JsonSchema | undefined {
  const kind = INTEGERS[type];
  if (!kind) return undefined;
  if (!kind.isText) return { type: 'integer', format: kind.format };
  return { type: 'string', format: kind.format, pattern: integerPattern(kind) };
}

/**
 * An integer in a request; undefined for other types. Envoy also accepts numbers for 64 bits, but the schema names one
 * type, because most client generators cannot read a list of types.
 */
export function integerRequest(type: ScalarType): JsonSchema | undefined {
  const kind = INTEGERS[type];
  return kind && { type: kind.isText ? 'string' : 'integer', format: kind.format };
}

/** The rules of an integer. */
export function integerConstraint(type: ScalarType, rules: Rules): Constraint {
  let min: bigint | undefined;
  let max: bigint | undefined;
  let more: JsonSchema = {};
  const values = (value: unknown) =>
    [value].flat().map((item) => (INTEGERS[type]?.isText ? String(item) : BigInt(String(item))));
  for (const [name, value] of Object.entries(rules)) {
    if (name === 'gt') min = BigInt(String(value)) + 1n;
    else if (name === 'gte') min = BigInt(String(value));
    else if (name === 'lt') max = BigInt(String(value)) - 1n;
    else if (name === 'lte') max = BigInt(String(value));
    else if (name === 'const' || name === 'in') more = { ...more, enum: values(value) };
    else if (name === 'not_in') more = { ...more, not: { enum: values(value) } };
    else throw unknownRule('int', name);
  }
  if (min !== undefined && max !== undefined && min > max) throw unknownRule('int', 'gt above lt');
  return { keywords: { ...rangeKeywords(type, min, max), ...more }, notes: [] };
}

/** The keywords for bounds: a pattern for integers of 64 bits, which are strings. */
function rangeKeywords(type: ScalarType, min: bigint | undefined, max: bigint | undefined): JsonSchema {
  const kind = INTEGERS[type] ?? INT64;
  const bounds = { min: min ?? kind.min, max: max ?? kind.max };
  return kind.isText ? { pattern: integerPattern(bounds) } : { minimum: bounds.min, maximum: bounds.max };
}

/** A string of digits between the bounds: the upper bound exactly, the lower one by its sign. */
function integerPattern({ min, max }: Range): string {
  // The limit of the type is checked by the number of digits only, which keeps the pattern readable.
  const isTypeLimit = max === INT64.max || max === UINT64.max;
  const positive = isTypeLimit ? digitsUpTo(String(max).length) : exactlyUpTo(String(max));
  if (min > 0n) return `^${positive}$`;
  return `^${min < 0n ? '-?' : ''}(?:0|${positive})$`;
}

function digitsUpTo(length: number): string {
  return `[1-9][0-9]{0,${length - 1}}`;
}

/** 1 to 9054: fewer digits; or as many, where the first digit that differs is smaller; or 9054 itself. */
function exactlyUpTo(max: string): string {
  const smaller = [...max].flatMap((digit, index) => {
    const choices = '0123456789'.slice(index === 0 ? 1 : 0, Number(digit));
    if (choices === '') return [];
    const choice = choices.length === 1 ? choices : `[${choices[0]}-${choices.at(-1)}]`;
    const rest = max.length - index - 1;
    return [`${max.slice(0, index)}${choice}${['', '[0-9]'][rest] ?? `[0-9]{${rest}}`}`];
  });
  const shorter = max.length > 1 ? [digitsUpTo(max.length - 1)] : [];
  return `(?:${[...shorter, ...smaller, max].join('|')})`;
}

/** The rules of a string that are formats of JSON Schema. */
const FORMATS: Readonly<Record<string, string>> = {
  email: 'email',
  hostname: 'hostname',
  ipv4: 'ipv4',
  ipv6: 'ipv6',
  uri: 'uri',
  uri_ref: 'uri-reference',
  uuid: 'uuid',
};

/** The rules of a string. Both sides count lengths in code points. */
export function textConstraint(rules: Rules): Constraint {
  const keywords = Object.entries(rules).map(([name, value]): JsonSchema => {
    const format = FORMATS[name];
    if (format) return value === true ? { format } : {};
    switch (name) {
      case 'len':
        return { minLength: Number(value), maxLength: Number(value) };
      case 'min_len':
        return { minLength: Number(value) };
      case 'max_len':
        return { maxLength: Number(value) };
      case 'max_bytes':
        // JSON Schema counts no bytes; a text never has more characters than bytes.
        return { maxLength: Number(value) };
      case 'pattern':
        return { pattern: ecmaPattern(String(value)) };
      case 'const':
        return { const: String(value) };
      case 'in':
        return { enum: [value].flat().map(String) };
      case 'not_in':
        return { not: { enum: [value].flat().map(String) } };
      case 'example':
        return { examples: [value].flat().map(String) };
      default:
        throw unknownRule('string', name);
    }
  });
  return { keywords: Object.assign({}, ...keywords) as JsonSchema, notes: [] };
}

/** The rules of bytes, which JSON carries as base64 (RFC 4648): four characters for each three bytes, the last three padded. */
export function bytesConstraint(rules: Rules): JsonSchema {
  let keywords: JsonSchema = {};
  for (const [name, value] of Object.entries(rules)) {
    if (name !== 'max_len') throw unknownRule('bytes', name);
    keywords = { ...keywords, maxLength: 4 * Math.ceil(Number(value) / 3) };
  }
  return keywords;
}

/** The rules of an enum. Its schema lists its values, so `defined_only` needs no keyword. */
export function enumConstraint(desc: DescEnum, rules: Rules): Constraint {
  let keywords: JsonSchema = {};
  // A request leaves a field out instead of sending the zero of its enum, so the schema does not have that value.
  const names = (numbers: unknown) =>
    [numbers]
      .flat()
      .flatMap((number) => (Number(number) === 0 ? [] : [desc.value[Number(number)]?.name ?? '']));
  for (const [name, value] of Object.entries(rules)) {
    const excluded = name === 'not_in' ? names(value) : [];
    if (excluded.length > 0) keywords = { ...keywords, not: { enum: excluded } };
    else if (name === 'in' || name === 'const') keywords = { ...keywords, enum: names(value) };
    else if (name !== 'defined_only' && name !== 'not_in') throw unknownRule('enum', name);
  }
  return { keywords, notes: [] };
}

/** The rules of a list, without those of its items. */
export function listConstraint(rules: Rules): Constraint {
  const keywords = Object.entries(rules).map(([name, value]): JsonSchema => {
    if (name === 'min_items') return { minItems: Number(value) };
    if (name === 'max_items') return { maxItems: Number(value) };
    if (name === 'unique') return { uniqueItems: value === true };
    throw unknownRule('repeated', name);
  });
  return { keywords: Object.assign({}, ...keywords) as JsonSchema, notes: [] };
}

const TIME_NOTES: Readonly<Record<string, (value: JsonValue) => string>> = {
  const: (value) => `Must be ${value}.`,
  lt: (value) => `Must be below ${value}.`,
  lte: (value) => `Must be at most ${value}.`,
  gt: (value) => `Must be above ${value}.`,
  gte: (value) => `Must be at least ${value}.`,
  in: (value) => `Must be one of ${[value].flat().join(', ')}.`,
  not_in: (value) => `Must not be one of ${[value].flat().join(', ')}.`,
  lt_now: () => 'Must be in the past.',
  gt_now: () => 'Must be in the future.',
  within: (value) => `Must be within ${value} of now.`,
};

/** The rules of a timestamp or a duration, for which JSON Schema has no keywords. */
export function timeConstraint(kind: string, rules: Rules): Constraint {
  const notes = Object.entries(rules).map(([name, value]) => {
    const print = TIME_NOTES[name];
    if (!print) throw unknownRule(kind, name);
    return print(value);
  });
  return { keywords: {}, notes };
}

interface Bound {
  readonly name: string;
  readonly min?: bigint;
  readonly max?: bigint;
}

/**
 * The CEL rules of a field that is a message. `this.minor_units >= 1 && this.minor_units <= 5` becomes bounds of that
 * property; any other rule becomes a sentence.
 */
export function celConstraint(desc: DescMessage, rules: readonly CelRule[]): Constraint {
  const properties: Record<string, JsonObject> = {};
  const required: string[] = [];
  const notes: string[] = [];
  for (const rule of rules) {
    const bounds = rule.expression.split(' && ').map(boundOf);
    const [first] = bounds;
    const field = desc.fields.find(({ name }) => name === first?.name);
    if (!field?.scalar || !bounds.every((bound) => bound?.name === field.name)) {
      notes.push(note(rule));
      continue;
    }
    const { min, max } = Object.assign({}, ...bounds) as Bound;
    properties[field.name] = { ...integerRequest(field.scalar), ...rangeKeywords(field.scalar, min, max) };
    if ((min ?? 0n) > 0n || (max ?? 0n) < 0n) required.push(field.name);
  }
  if (Object.keys(properties).length === 0) return { keywords: {}, notes };
  return { keywords: { properties, required: required.length > 0 ? required : undefined }, notes };
}

/** `this.name >= 1` as a bound; undefined for any other expression. */
function boundOf(expression: string): Bound | undefined {
  const [, name, operator, digits] = /^this\.(\w+) (>=|>|<=|<) (-?\d+)$/.exec(expression) ?? [];
  if (name === undefined || digits === undefined) return undefined;
  const value = BigInt(digits);
  if (operator === '>=') return { name, min: value };
  if (operator === '>') return { name, min: value + 1n };
  if (operator === '<=') return { name, max: value };
  return { name, max: value - 1n };
}

/** What `required` says about a field whose zero is not told apart from its absence. */
export function nonZeroKeywords(field: DescField): JsonSchema {
  if (field.fieldKind === 'list') return { minItems: 1 };
  if (field.fieldKind === 'enum') return {};
  if (field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES) return { minLength: 1 };
  return field.scalar ? { not: { enum: [INTEGERS[field.scalar]?.isText ? '0' : 0] } } : {};
}
