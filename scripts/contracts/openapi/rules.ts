// Reads buf.validate: which rules a field carries, and which fields may not be left out.
import {
  create,
  type DescField,
  type DescMessage,
  type DescOneof,
  getOption,
  hasOption,
  type JsonValue,
  type Registry,
  toJson,
} from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import {
  FieldRulesSchema,
  field as fieldOption,
  message as messageOption,
  oneof as oneofOption,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import type { JsonSchema } from './json.ts';

/** Rules by their proto names; only those that are set. */
export type Rules = Readonly<Record<string, JsonValue>>;

/** A rule in CEL. */
export interface CelRule {
  readonly message: string;
  readonly expression: string;
}

/** What rules come to: keywords of JSON Schema, and sentences for what those cannot say. */
export interface Constraint {
  readonly keywords: JsonSchema;
  readonly notes: readonly string[];
}

/** The rules of a field; none when it has none or they are switched off. */
export function rulesOf(field: DescField): Rules {
  if (!hasOption(field, fieldOption)) return {};
  // As JSON, so that a rule that nobody taught these modules is seen and not passed over.
  const rules = toJson(FieldRulesSchema, getOption(field, fieldOption), { useProtoFieldName: true }) as Rules;
  return rules.ignore === 'IGNORE_ALWAYS' ? {} : rules;
}

/** The rules of one kind (`string`, `int64`, `repeated`) or of a list's items. */
export function inner(rules: Rules, name: string): Rules {
  return (rules[name] ?? {}) as Rules;
}

/** The CEL rules of a field. */
export function celRulesOf(rules: Rules): CelRule[] {
  const long = (rules.cel ?? []) as unknown as readonly Partial<CelRule>[];
  const short = (rules.cel_expression ?? []) as unknown as readonly string[];
  return [
    ...long.map(({ message = '', expression = '' }) => ({ message, expression })),
    ...short.map((expression) => ({ message: '', expression })),
  ];
}

/** The words of the CEL rules of a whole message. */
export function messageNotes(desc: DescMessage): string[] {
  if (!hasOption(desc, messageOption)) return [];
  const { cel, celExpression } = getOption(desc, messageOption);
  return [
    ...cel.map((rule) => note(rule)),
    ...celExpression.map((expression) => note({ message: '', expression })),
  ];
}

/** A CEL rule in words. */
export function note({ message, expression }: CelRule): string {
  return message ? `${message[0]?.toUpperCase()}${message.slice(1)}.` : `Must hold: ${expression}.`;
}

/** Whether one of the oneof's fields must be set. */
export function isRequired(oneof: DescOneof): boolean {
  return hasOption(oneof, oneofOption) && getOption(oneof, oneofOption).required;
}

/** Finds the fields of a request that are refused when left out: the validator is asked, not the rules guessed at. */
export function requiredFields(registry: Registry): (desc: DescMessage) => ReadonlySet<string> {
  const validator = createValidator({ registry });
  return (desc) => {
    const result = validator.validate(desc, create(desc));
    if (result.kind === 'error') throw result.error;
    const names = (result.violations ?? []).map(({ field: [first, ...more] }) =>
      first?.kind === 'field' && more.length === 0 ? first.name : '',
    );
    return new Set(names.filter((name) => name !== ''));
  };
}

/** Says which rule the documents have no words for. */
export function unknownRule(kind: string, name: string): Error {
  return new Error(
    `the OpenAPI documents cannot say the rule ${kind}.${name}: teach it to scripts/contracts/openapi`,
  );
}
