// Reads the CEL rules that bound one number of a message, so that its bounds stand in the schema and not in prose alone.
import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { integerRequest, rangeKeywords } from './integer.ts';
import type { JsonObject, JsonSchema } from './json.ts';
import { type CelRule, type Constraint, note } from './rules.ts';

const BOUND = /^this\.(\w+) (>=|>|<=|<) (-?\d+)$/;

interface Bound {
  readonly name: string;
  readonly min?: bigint;
  readonly max?: bigint;
}

/**
 * The CEL rules on a field that is a message. `this.minor_units >= 1 && this.minor_units <= 5` becomes bounds of that
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
    const range = Object.assign({}, ...bounds) as Bound;
    properties[field.name] = keywordsOf(field, range);
    if ((range.min ?? 0n) > 0n || (range.max ?? 0n) < 0n) required.push(field.name);
  }
  if (Object.keys(properties).length === 0) return { keywords: {}, notes };
  const keywords: JsonSchema = { properties, required: required.length > 0 ? required : undefined };
  return { keywords, notes };
}

function boundOf(text: string): Bound | undefined {
  const [, name, operator, digits] = BOUND.exec(text) ?? [];
  if (name === undefined || digits === undefined) return undefined;
  const value = BigInt(digits);
  if (operator === '>=') return { name, min: value };
  if (operator === '>') return { name, min: value + 1n };
  if (operator === '<=') return { name, max: value };
  return { name, max: value - 1n };
}

function keywordsOf(field: DescField, { min, max }: Bound): JsonSchema {
  if (!field.scalar) throw new Error(`${field.toString()} has no bounds`);
  const range = { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
  return { ...integerRequest(field.scalar), ...rangeKeywords(field.scalar, range) };
}
