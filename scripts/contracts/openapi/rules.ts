// Reads the rules of buf.validate: those of a field, and which fields must not be left out.
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

/** Rules by their proto names; only those that are set. */
export type Rules = Readonly<Record<string, JsonValue>>;

/** A rule in CEL. */
export interface CelRule {
  readonly message: string;
  readonly expression: string;
}

/** The rules of a field; empty when it has none or they are switched off. */
export function rulesOf(field: DescField): Rules {
  if (!hasOption(field, fieldOption)) return {};
  // As JSON, so that a rule which is unknown here is found and refused.
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

/** The CEL rules of a whole message, as sentences. */
export function messageNotes(desc: DescMessage): string[] {
  if (!hasOption(desc, messageOption)) return [];
  const { cel, celExpression } = getOption(desc, messageOption);
  return [
    ...cel.map((rule) => note(rule)),
    ...celExpression.map((expression) => note({ message: '', expression })),
  ];
}

/** A CEL rule as a sentence. */
export function note({ message, expression }: CelRule): string {
  return message ? `${message[0]?.toUpperCase()}${message.slice(1)}.` : `Must hold: ${expression}.`;
}

/** Whether one of the oneof's fields must be set. */
export function isRequired(oneof: DescOneof): boolean {
  return hasOption(oneof, oneofOption) && getOption(oneof, oneofOption).required;
}

/** Returns the fields of a request that are refused when left out. It asks the validator instead of reading the rules. */
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

/** The error for a rule that the documents cannot express. */
export function unknownRule(kind: string, name: string): Error {
  return new Error(
    `the OpenAPI documents cannot express the rule ${kind}.${name}: add it to scripts/contracts/openapi`,
  );
}
