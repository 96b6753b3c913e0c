// What a field may look like in requests: its JSON form and the rules that it has to keep.
import { type DescEnum, type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { plainScalar, type Refer } from './answer-field.ts';
import { celConstraint } from './cel.ts';
import { commentOf, sentences } from './comment.ts';
import { integerAnswer, integerConstraint, integerRequest } from './integer.ts';
import type { JsonSchema } from './json.ts';
import {
  type CelRule,
  type Constraint,
  celRulesOf,
  inner,
  note,
  type Rules,
  rulesOf,
  unknownRule,
} from './rules.ts';
import { textConstraint } from './text.ts';
import { timeConstraint, wellKnown } from './well-known.ts';

/** A field of a request: its schema, and what is said about it. */
export interface FieldEntry {
  readonly schema: JsonSchema;
  readonly description: string | undefined;
}

/** What is allowed, before the rules; and what the rules add. */
interface Form extends Constraint {
  readonly base: JsonSchema;
}

/** The schema of a field in a request. */
export function requestField(field: DescField, refer: Refer): FieldEntry {
  const rules = rulesOf(field);
  const cel = celRulesOf(rules);
  const form = formOf(field, rules, cel, refer);
  const keywords = rules.required === true ? { ...mustNotBeZero(field), ...form.keywords } : form.keywords;
  // A rule that is ignored for the zero of a type binds whoever sends the field; others leave the field out.
  return { schema: { ...form.base, ...keywords }, description: sentences(commentOf(field), ...form.notes) };
}

function formOf(field: DescField, rules: Rules, cel: readonly CelRule[], refer: Refer): Form {
  if (field.fieldKind === 'map')
    throw new Error(`${field.toString()}: no maps, Envoy crashes on them in answers`);
  if (field.fieldKind === 'list') {
    const { items, ...own } = inner(rules, 'repeated');
    const itemRules = (items ?? {}) as Rules;
    const single = singleForm(field, itemRules, celRulesOf(itemRules), refer);
    const list = listConstraint(own);
    const base = { type: 'array', items: { ...single.base, ...single.keywords } };
    return { base, keywords: list.keywords, notes: [...single.notes, ...cel.map(note)] };
  }
  return singleForm(field, rules, cel, refer);
}

function singleForm(field: DescField, rules: Rules, cel: readonly CelRule[], refer: Refer): Form {
  if (field.message) return messageForm(field.message, rules, cel, refer);
  const notes = cel.map(note);
  if (field.enum) {
    return { base: refer(field.enum), ...enumConstraint(field.enum, inner(rules, 'enum'), notes) };
  }
  const type = field.scalar ?? ScalarType.STRING;
  const kind = ScalarType[type].toLowerCase();
  const own = inner(rules, kind);
  const integer = integerRequest(type);
  if (integer) return { base: integer, keywords: integerConstraint(type, own).keywords, notes };
  if (type === ScalarType.STRING) {
    return { base: plainScalar(type), keywords: textConstraint(own).keywords, notes };
  }
  for (const name of Object.keys(own)) throw unknownRule(kind, name);
  return { base: plainScalar(type), keywords: {}, notes };
}

function messageForm(desc: DescMessage, rules: Rules, cel: readonly CelRule[], refer: Refer): Form {
  const known = wellKnown(desc);
  if (!known) {
    const { keywords, notes } = celConstraint(desc, cel);
    // Side by side in allOf: many tools overlook what stands beside a $ref.
    const base = Object.keys(keywords).length > 0 ? { allOf: [refer(desc), keywords] } : refer(desc);
    return { base, keywords: {}, notes };
  }
  const kind = desc.name === 'FieldMask' ? 'field_mask' : desc.name.toLowerCase();
  const { notes } = timeConstraint(kind, inner(rules, kind));
  return { base: known, keywords: {}, notes: [...notes, ...cel.map(note)] };
}

function enumConstraint(desc: DescEnum, rules: Rules, notes: readonly string[]): Constraint {
  let keywords: JsonSchema = {};
  // The zero of an enum stands for a field that is left out; the schema of a request's enum does not have it anyway.
  const forms = (numbers: unknown) =>
    [numbers]
      .flat()
      .flatMap((number) => (Number(number) === 0 ? [] : [desc.value[Number(number)]?.name ?? '']));
  for (const [name, value] of Object.entries(rules)) {
    if (name === 'not_in') keywords = { ...keywords, ...exceptFor(forms(value)) };
    else if (name === 'in' || name === 'const') keywords = { ...keywords, enum: forms(value) };
    // An enum's schema lists its values, so that only those that are defined fit anyway.
    else if (name !== 'defined_only') throw unknownRule('enum', name);
  }
  return { keywords, notes };
}

function exceptFor(values: readonly string[]): JsonSchema {
  return values.length > 0 ? { not: { enum: values } } : {};
}

function listConstraint(rules: Rules): Constraint {
  const keywords = Object.entries(rules).map(([name, value]): JsonSchema => {
    if (name === 'min_items') return { minItems: Number(value) };
    if (name === 'max_items') return { maxItems: Number(value) };
    if (name === 'unique') return { uniqueItems: value === true };
    throw unknownRule('repeated', name);
  });
  return { keywords: Object.assign({}, ...keywords) as JsonSchema, notes: [] };
}

/** What `required` says about a field whose zero cannot be told from its absence. */
function mustNotBeZero(field: DescField): JsonSchema {
  if (field.fieldKind === 'list') return { minItems: 1 };
  if (field.fieldKind === 'enum') return {};
  if (field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES) return { minLength: 1 };
  return field.scalar ? { not: { enum: [integerAnswer(field.scalar)?.type === 'string' ? '0' : 0] } } : {};
}
