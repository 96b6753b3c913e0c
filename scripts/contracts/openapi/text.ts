// Text in JSON: the keywords for the rules of a string.
import type { JsonSchema } from './json.ts';
import { ecmaPattern } from './pattern.ts';
import { type Constraint, type Rules, unknownRule } from './rules.ts';

/** The rules that are formats of JSON Schema. */
const FORMATS: Readonly<Record<string, string>> = {
  email: 'email',
  hostname: 'hostname',
  ipv4: 'ipv4',
  ipv6: 'ipv6',
  uri: 'uri',
  uri_ref: 'uri-reference',
  uuid: 'uuid',
};

/** The keywords for the rules of a string. Lengths are in code points on both sides. */
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
