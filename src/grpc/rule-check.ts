// Checks decoded requests against the rules of their contract (buf.validate) by plain comparisons.
//
// protovalidate interprets the rules over a message of its own, which costs as much as all else that is done with a request's
// bytes, and more where its code is cold. Nearly every request keeps all rules, and that can be told by a comparison for each
// rule. Whatever a check does not pass is left to protovalidate, so a check may be stricter than the rules, never more
// lenient, and it words no violations. test/grpc/rule-check.test.ts compares the two.
import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescOneof,
  getOption,
  type Message,
} from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import {
  type BytesRules,
  type DurationRules,
  type EnumRules,
  type FieldRules,
  FieldRulesSchema,
  field as fieldRules,
  Ignore,
  type Int32Rules,
  type Int64Rules,
  MessageRulesSchema,
  message as messageRules,
  oneof as oneofRules,
  type RepeatedRules,
  type Rule,
  type StringRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';

/** Whether a value, as ts-proto decodes it, keeps all of its rules. False also for rules that only protovalidate knows. */
export type RuleCheck = (value: unknown) => boolean;

type Fields = Readonly<Record<string, unknown>>;
type Duration = { readonly seconds: bigint; readonly nanos: number };
/** An int32 or an int64; an infinity where there is no bound. */
type Integer = number | bigint;

const UNKNOWN: RuleCheck = () => false;
const NO_RULES: RuleCheck = () => true;
const UUID = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;
/** The forms that our own rules in CEL have: a field of a message within a range, and fields of a list's messages, each once. */
const FROM_TO = /^this\.(\w+) >= (\d+) && this\.\1 <= (\d+)$/;
const DISTINCT = /^this\.map\((\w+), \1\.(\w+)\)\.unique\(\)$/;
const NANOS_PER_SECOND = 1_000_000_000n;

/** The check of a message. Its types must not contain themselves. */
export function ruleCheckOf(message: DescMessage): RuleCheck {
  if (!hasOnly(getOption(message, messageRules), [])) return UNKNOWN;
  return all(
    message.members.map((member) =>
      member.kind === 'oneof' ? oneofCheck(member) : memberCheck(member.localName, fieldCheck(member)),
    ),
  );
}

/** One check of all, without those that check nothing. */
function all(checks: readonly RuleCheck[]): RuleCheck {
  const needed = checks.filter((check) => check !== NO_RULES);
  if (needed.includes(UNKNOWN)) return UNKNOWN;
  const [only = NO_RULES, ...others] = needed;
  if (others.length === 0) return only;
  return (value) => {
    for (const check of needed) if (!check(value)) return false;
    return true;
  };
}

function memberCheck(name: string, check: RuleCheck): RuleCheck {
  return check === NO_RULES || check === UNKNOWN ? check : (message) => check((message as Fields)[name]);
}

function oneofCheck(oneof: DescOneof): RuleCheck {
  const { required } = getOption(oneof, oneofRules);
  const checks = new Map(oneof.fields.map((field) => [field.localName, fieldCheck(field)]));
  if (!required && [...checks.values()].every((check) => check === NO_RULES)) return NO_RULES;
  return memberCheck(oneof.localName, (value) => {
    if (value === undefined) return !required;
    const { $case, value: chosen } = value as { readonly $case: string; readonly value: unknown };
    return checks.get($case)?.(chosen) ?? false;
  });
}

function fieldCheck(field: DescField): RuleCheck {
  const rules = getOption(field, fieldRules);
  const hasPresence = field.presence === FeatureSet_FieldPresence.EXPLICIT;
  if (rules.required && !hasPresence) return UNKNOWN;
  const check = valueCheck(field, rules);
  if (!hasPresence || (check === NO_RULES && !rules.required)) return check;
  return (value) => (value === undefined ? !rules.required : check(value));
}

/** The check of a field's value, or of a list's items. */
function valueCheck(field: DescField, rules: FieldRules): RuleCheck {
  const { type, ignore, cel } = rules;
  const isList = field.fieldKind === 'list';
  if (field.fieldKind === 'map' || isList !== (type.case === 'repeated')) return UNKNOWN;
  if (!hasOnly(rules, ['required', 'ignore', 'cel', String(type.case)])) return UNKNOWN;
  const content = field.message ? ruleCheckOf(field.message) : NO_RULES;
  const own =
    type.case === 'repeated' ? listCheck(field, type.value, content) : all([content, typeCheck(field, type)]);
  const check = all([own, ...cel.map((rule) => celCheck(field, rule))]);
  if (ignore === Ignore.UNSPECIFIED) return check;
  if (ignore !== Ignore.IF_ZERO_VALUE || field.fieldKind !== 'scalar') return UNKNOWN;
  return (value) => (value !== undefined && !value) || check(value);
}

/** The check of one value, not of a list. */
function typeCheck(field: DescField, type: FieldRules['type']): RuleCheck {
  // A message that wraps a number or a text is another value here than its rules are about.
  if (field.message && type.case !== undefined && type.case !== 'duration') return UNKNOWN;
  switch (type.case) {
    case undefined:
      return NO_RULES;
    case 'string':
      return stringCheck(type.value);
    case 'bytes':
      return bytesCheck(type.value);
    case 'int32':
    case 'int64':
      return integerCheck(type.value);
    case 'enum':
      return field.enum ? enumCheck(field.enum, type.value) : UNKNOWN;
    case 'duration':
      return durationCheck(type.value);
    default:
      return UNKNOWN;
  }
}

function stringCheck(rules: StringRules): RuleCheck {
  if (!hasOnly(rules, ['minLen', 'maxLen', 'maxBytes', 'in', 'pattern', 'uuid'])) return UNKNOWN;
  const min = Number(rules.minLen);
  const max = hasRule(rules, 'maxLen') ? Number(rules.maxLen) : Number.POSITIVE_INFINITY;
  const maxBytes = hasRule(rules, 'maxBytes') ? Number(rules.maxBytes) : Number.POSITIVE_INFINITY;
  const format = rules.wellKnown.case === 'uuid' && rules.wellKnown.value ? UUID : undefined;
  const pattern = hasRule(rules, 'pattern') ? new RegExp(rules.pattern, 'u') : undefined;
  return (value) =>
    typeof value === 'string' &&
    hasLength(value, min, max) &&
    (maxBytes === Number.POSITIVE_INFINITY || Buffer.byteLength(value) <= maxBytes) &&
    (rules.in.length === 0 || rules.in.includes(value)) &&
    (format === undefined || format.test(value)) &&
    (pattern === undefined || pattern.test(value));
}

function bytesCheck(rules: BytesRules): RuleCheck {
  if (!hasOnly(rules, ['maxLen'])) return UNKNOWN;
  const max = hasRule(rules, 'maxLen') ? Number(rules.maxLen) : Number.POSITIVE_INFINITY;
  return (value) => value instanceof Uint8Array && value.length <= max;
}

/** The rules count code points, of which a text has at most one for each UTF-16 unit and at least one for each two. */
function hasLength(text: string, min: number, max: number): boolean {
  const units = text.length;
  if (units < min || units > 2 * max) return false;
  if (units <= max && (min <= 1 || units >= 2 * min)) return true;
  const points = [...text].length;
  return points >= min && points <= max;
}

function integerCheck(rules: Int32Rules | Int64Rules): RuleCheck {
  if (!hasOnly(rules, ['gt', 'gte', 'lt', 'lte'])) return UNKNOWN;
  const { greaterThan: lower, lessThan: upper } = rules;
  const min: Integer = lower.case ? lower.value : Number.NEGATIVE_INFINITY;
  const max: Integer = upper.case ? upper.value : Number.POSITIVE_INFINITY;
  // Bounds in this order mean what is outside of both.
  if (min >= max) return UNKNOWN;
  const [excludesMin, excludesMax] = [lower.case === 'gt', upper.case === 'lt'];
  return (value) => {
    const integer = value as Integer;
    return (excludesMin ? integer > min : integer >= min) && (excludesMax ? integer < max : integer <= max);
  };
}

function enumCheck(type: DescEnum, rules: EnumRules): RuleCheck {
  if (!hasOnly(rules, ['definedOnly', 'in', 'notIn'])) return UNKNOWN;
  if (!rules.definedOnly && rules.in.length === 0) return UNKNOWN;
  const allowed = rules.in.length > 0 ? rules.in : type.values.map(({ number }) => number);
  const isDefined = (number: number) => !rules.definedOnly || type.value[number] !== undefined;
  const numbers = new Set<unknown>(
    allowed.filter((number) => isDefined(number) && !rules.notIn.includes(number)),
  );
  return (value) => numbers.has(value);
}

function durationCheck(rules: DurationRules): RuleCheck {
  if (!hasOnly(rules, ['gte', 'lte'])) return UNKNOWN;
  const { greaterThan: lower, lessThan: upper } = rules;
  if (lower.case !== 'gte' || upper.case !== 'lte') return UNKNOWN;
  const [min, max] = [nanosOf(lower.value), nanosOf(upper.value)];
  if (min >= max) return UNKNOWN;
  return (value) => {
    const nanos = nanosOf(value as Duration);
    return nanos >= min && nanos <= max;
  };
}

function nanosOf({ seconds, nanos }: Duration): bigint {
  return seconds * NANOS_PER_SECOND + BigInt(nanos);
}

function listCheck(field: DescField, rules: RepeatedRules, content: RuleCheck): RuleCheck {
  if (!hasOnly(rules, ['minItems', 'maxItems', 'unique', 'items'])) return UNKNOWN;
  if (rules.unique && field.message) return UNKNOWN;
  const { items } = rules;
  if (items && !hasOnly(items, [String(items.type.case)])) return UNKNOWN;
  const item = all([content, items ? typeCheck(field, items.type) : NO_RULES]);
  if (item === UNKNOWN) return UNKNOWN;
  const min = Number(rules.minItems);
  const max = hasRule(rules, 'maxItems') ? Number(rules.maxItems) : Number.POSITIVE_INFINITY;
  return (value) => {
    const list = value as readonly unknown[];
    if (list.length < min || list.length > max) return false;
    if (rules.unique && new Set(list).size < list.length) return false;
    for (const element of list) if (!item(element)) return false;
    return true;
  };
}

function celCheck(field: DescField, { expression }: Rule): RuleCheck {
  if (field.fieldKind === 'message') return rangeCheck(field.message, expression);
  if (field.fieldKind === 'list') return distinctCheck(field, expression);
  return UNKNOWN;
}

function rangeCheck(message: DescMessage, expression: string): RuleCheck {
  const [, name, from, to] = FROM_TO.exec(expression) ?? [];
  const field = message.fields.find((one) => one.name === name);
  if (!field || from === undefined || to === undefined) return UNKNOWN;
  const [min, max] = [BigInt(from), BigInt(to)];
  return memberCheck(field.localName, (value) => typeof value === 'bigint' && value >= min && value <= max);
}

function distinctCheck({ message }: DescField, expression: string): RuleCheck {
  const [, , name] = DISTINCT.exec(expression) ?? [];
  const field = message?.fields.find((one) => one.name === name);
  if (field?.fieldKind !== 'scalar') return UNKNOWN;
  const { localName } = field;
  return (value) => {
    const list = value as readonly Fields[];
    return list.length < 2 || new Set(list.map((element) => element[localName])).size === list.length;
  };
}

/** A message of rules: of a field, a message, or a type. */
type Rules = Message<string>;

const RULES = [
  FieldRulesSchema,
  MessageRulesSchema,
  ...FieldRulesSchema.fields.flatMap(({ message }) => message ?? []),
];

/** The names of the rules that are set. */
function ruleNames(rules: Rules): readonly string[] {
  const desc = RULES.find(({ typeName }) => typeName === rules.$typeName);
  // Rules that extensions of buf.validate define.
  if (!desc || rules.$unknown) return ['unknown'];
  const view = reflect(desc, rules);
  return desc.fields.filter((field) => view.isSet(field)).map(({ localName }) => localName);
}

function hasOnly(rules: Rules, known: readonly string[]): boolean {
  return ruleNames(rules).every((name) => known.includes(name));
}

function hasRule(rules: Rules, name: string): boolean {
  return ruleNames(rules).includes(name);
}
