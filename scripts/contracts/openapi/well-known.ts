// The well-known types of Protobuf as JSON has them, and the words for rules about time.
import type { DescMessage, JsonValue } from '@bufbuild/protobuf';
import type { JsonSchema } from './json.ts';
import { type Constraint, type Rules, unknownRule } from './rules.ts';

const SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  'google.protobuf.Timestamp': { type: 'string', format: 'date-time' },
  'google.protobuf.Duration': { type: 'string', pattern: '^-?[0-9]+(?:\\.[0-9]{1,9})?s$' },
  'google.protobuf.FieldMask': { type: 'string' },
  'google.protobuf.Empty': { type: 'object' },
  // A message of any type, with its fields beside the name of the type.
  'google.protobuf.Any': {
    type: 'object',
    properties: { '@type': { type: 'string' } },
    required: ['@type'],
    additionalProperties: true,
  },
};

/** The schema of a well-known type; undefined for a message of our own. */
export function wellKnown(desc: DescMessage): JsonSchema | undefined {
  const schema = SCHEMAS[desc.typeName];
  if (!schema && desc.typeName.startsWith('google.')) {
    throw new Error(
      `the OpenAPI documents do not know ${desc.typeName}: teach it to scripts/contracts/openapi`,
    );
  }
  return schema;
}

const WORDS: Readonly<Record<string, (value: JsonValue) => string>> = {
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

/** The rules of a timestamp or a duration, which JSON Schema can only say in words. */
export function timeConstraint(kind: string, rules: Rules): Constraint {
  const notes = Object.entries(rules).map(([name, value]) => {
    const words = WORDS[name];
    if (!words) throw unknownRule(kind, name);
    return words(value);
  });
  return { keywords: {}, notes };
}
