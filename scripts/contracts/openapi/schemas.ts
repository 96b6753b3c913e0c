// The schemas of messages, enums and fields, separate for requests and answers where they differ.
import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescOneof,
  ScalarType,
} from '@bufbuild/protobuf';
import {
  bytesConstraint,
  type Constraint,
  celConstraint,
  enumConstraint,
  integerAnswer,
  integerConstraint,
  integerRequest,
  listConstraint,
  nonZeroKeywords,
  textConstraint,
  timeConstraint,
} from './constraints.ts';
import { commentOf, sentences } from './contracts.ts';
import type { JsonObject, JsonSchema } from './json.ts';
import {
  type CelRule,
  celRulesOf,
  inner,
  isRequired,
  messageNotes,
  note,
  type Rules,
  rulesOf,
  unknownRule,
} from './rules.ts';

/** The schemas of one document. */
export interface Catalog {
  /** The fields of a request that must not be left out. */
  required(desc: DescMessage): ReadonlySet<string>;
  /** A reference to a message or an enum in a request. */
  referRequest(desc: DescMessage | DescEnum): JsonSchema;
  /** A reference to a message as a body, without the fields that are in the path. */
  referBody(desc: DescMessage, pathFields: readonly string[]): JsonSchema;
  /** A reference to a message or an enum in an answer. */
  referAnswer(desc: DescMessage | DescEnum): JsonSchema;
  /** Every schema with a reference so far, by name. */
  schemas(): JsonObject;
}

/** Returns a reference to the schema of a message or an enum. */
type Refer = (desc: DescMessage | DescEnum) => JsonSchema;

/** Creates an empty catalog. `required` returns the fields of a request that must not be left out. */
export function createCatalog(required: Catalog['required']): Catalog {
  const schemas = new Map<string, JsonSchema>();
  const refer = (name: string, build: () => JsonSchema): JsonSchema => {
    if (!schemas.has(name)) {
      // Set before it is built, because a message may contain itself.
      schemas.set(name, {});
      schemas.set(name, build());
    }
    return { $ref: `#/components/schemas/${name}` };
  };
  const catalog: Catalog = {
    required,
    referRequest: (desc) =>
      desc.kind === 'enum'
        ? refer(`${nameOf(desc)}Input`, () => enumSchema(desc, true))
        : refer(requestName(desc), () => requestSchema(desc, [], catalog)),
    referBody: (desc, pathFields) =>
      pathFields.length === 0
        ? catalog.referRequest(desc)
        : refer(`${nameOf(desc)}Body`, () => requestSchema(desc, pathFields, catalog)),
    referAnswer: (desc) =>
      refer(nameOf(desc), () =>
        desc.kind === 'enum' ? enumSchema(desc, false) : answerSchema(desc, catalog),
      ),
    schemas: () => Object.fromEntries([...schemas].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
  return catalog;
}

/** The name inside its package: `Transfer`, or `Outer.Inner` for a nested message. */
function nameOf(desc: DescMessage | DescEnum): string {
  return desc.typeName.slice(desc.file.proto.package.length + 1);
}

/** A message inside a request may also be in answers, where its schema differs, so it gets another name. */
function requestName(desc: DescMessage): string {
  return desc.name.endsWith('Request') ? nameOf(desc) : `${nameOf(desc)}Input`;
}

function answerSchema(desc: DescMessage, catalog: Catalog): JsonSchema {
  const properties = desc.fields.map((field): [string, JsonSchema] => [
    field.name,
    {
      ...answerField(field, catalog.referAnswer),
      description: sentences(commentOf(field)),
      deprecated: field.deprecated || undefined,
    },
  ]);
  const present = desc.fields.filter(isAlwaysPresent).map(({ name }) => name);
  return {
    type: 'object',
    description: sentences(commentOf(desc)),
    properties: Object.fromEntries(properties),
    required: present.length > 0 ? present : undefined,
  };
}

function requestSchema(desc: DescMessage, leftOut: readonly string[], catalog: Catalog): JsonSchema {
  const fields = desc.fields.filter(({ name }) => !leftOut.includes(name));
  const properties = fields.map((field): [string, JsonSchema] => {
    const { schema, description } = requestField(field, catalog.referRequest);
    return [field.name, { ...schema, description, deprecated: field.deprecated || undefined }];
  });
  const required = fields.map(({ name }) => name).filter((name) => catalog.required(desc).has(name));
  const choices = desc.oneofs.map(choiceOf);
  return {
    type: 'object',
    description: sentences(commentOf(desc), ...messageNotes(desc), ...desc.oneofs.map(choiceNote)),
    properties: Object.fromEntries(properties),
    required: required.length > 0 ? required : undefined,
    // The edge refuses unknown names, so that a misspelt one is noticed.
    additionalProperties: false,
    // A double negation, because client generators turn plain alternatives into types of their own.
    not: choices.length > 0 ? { not: choices.length === 1 ? choices[0] : { allOf: choices } } : undefined,
  };
}

/** Exactly one of the fields; where the oneof is not required, no two of them. */
function choiceOf(oneof: DescOneof): JsonSchema {
  const names = oneof.fields.map(({ name }) => name);
  if (isRequired(oneof)) return { oneOf: names.map((name) => ({ required: [name] })) };
  const pairs = names.flatMap((one, index) => names.slice(index + 1).map((other) => [one, other]));
  return { allOf: pairs.map((pair) => ({ not: { required: pair } })) };
}

function choiceNote(oneof: DescOneof): string {
  const names = oneof.fields.map(({ name }) => name).join(', ');
  return `${isRequired(oneof) ? 'Exactly one' : 'At most one'} of ${names}.`;
}

function enumSchema(desc: DescEnum, isRequest: boolean): JsonSchema {
  // A request leaves the field out instead of sending zero. Envoy also accepts numbers; the schema names one type.
  const values = isRequest ? desc.values.filter(({ number }) => number !== 0) : desc.values;
  const meanings = desc.values
    .filter((value) => commentOf(value) !== '')
    .map((value) => `- \`${value.name}\`: ${commentOf(value)}`);
  return {
    type: 'string',
    description:
      [commentOf(desc), meanings.join('\n')].filter((text) => text !== '').join('\n\n') || undefined,
    enum: values.map(({ name }) => name),
  };
}

/** A field in an answer, as Envoy's transcoder prints it. */
function answerField(field: DescField, refer: Refer): JsonSchema {
  const item = answerItem(refuseMap(field), refer);
  return field.fieldKind === 'list' ? { type: 'array', items: item } : item;
}

function answerItem(field: DescField, refer: Refer): JsonSchema {
  if (field.message) return wellKnownType(field.message) ?? refer(field.message);
  if (field.enum) return refer(field.enum);
  const type = field.scalar ?? ScalarType.STRING;
  return integerAnswer(type) ?? plainScalar(type);
}

/** Whether a field is in every answer: Envoy prints zeros and empty lists, but not absent messages. */
function isAlwaysPresent(field: DescField): boolean {
  if (field.fieldKind === 'list') return true;
  return field.fieldKind !== 'message' && !field.oneof && !field.proto.proto3Optional;
}

/** Envoy 1.40 crashes on a map entry whose key or value is the zero of its type, because it is not on the wire then. */
function refuseMap(field: DescField): DescField {
  if (field.fieldKind === 'map')
    throw new Error(`${field.toString()}: no maps, Envoy crashes on them in answers`);
  return field;
}

/** The scalars that are alike in requests and answers. */
function plainScalar(type: ScalarType): JsonSchema {
  switch (type) {
    case ScalarType.BOOL:
      return { type: 'boolean' };
    case ScalarType.BYTES:
      return { type: 'string', contentEncoding: 'base64' };
    case ScalarType.DOUBLE:
      return { type: 'number', format: 'double' };
    case ScalarType.FLOAT:
      return { type: 'number', format: 'float' };
    default:
      return { type: 'string' };
  }
}

const WELL_KNOWN_TYPES: Readonly<Record<string, JsonSchema>> = {
  'google.protobuf.Timestamp': { type: 'string', format: 'date-time' },
  'google.protobuf.Duration': { type: 'string', pattern: '^-?[0-9]+(?:\\.[0-9]{1,9})?s$' },
  'google.protobuf.FieldMask': { type: 'string' },
  'google.protobuf.Empty': { type: 'object' },
  // The fields of the message are beside its type.
  'google.protobuf.Any': {
    type: 'object',
    properties: {
      '@type': {
        type: 'string',
        description: 'The name of its message: `type.googleapis.com/wallet.v2.CreateTransferResponse`.',
      },
    },
    required: ['@type'],
    additionalProperties: true,
  },
};

/** The schema of a well-known type of Protobuf; undefined for a message of the contracts. */
export function wellKnownType(desc: DescMessage): JsonSchema | undefined {
  const schema = WELL_KNOWN_TYPES[desc.typeName];
  if (!schema && desc.typeName.startsWith('google.')) {
    throw new Error(
      `the OpenAPI documents do not know ${desc.typeName}: add it to scripts/contracts/openapi`,
    );
  }
  return schema;
}

/** A field in a request: its type, and what its rules add. */
interface RequestForm extends Constraint {
  readonly base: JsonSchema;
}

/** A field in a request: its schema and its description. */
export function requestField(
  field: DescField,
  refer: Refer,
): { readonly schema: JsonSchema; readonly description: string | undefined } {
  const rules = rulesOf(field);
  const form = requestForm(refuseMap(field), rules, refer);
  const keywords = rules.required === true ? { ...nonZeroKeywords(field), ...form.keywords } : form.keywords;
  // A rule that the validator ignores for zero values still binds a field that is sent: others leave it out.
  return { schema: { ...form.base, ...keywords }, description: sentences(commentOf(field), ...form.notes) };
}

function requestForm(field: DescField, rules: Rules, refer: Refer): RequestForm {
  if (field.fieldKind !== 'list') return itemForm(field, rules, refer);
  const { items, ...own } = inner(rules, 'repeated');
  const item = itemForm(field, (items ?? {}) as Rules, refer);
  return {
    base: { type: 'array', items: { ...item.base, ...item.keywords } },
    keywords: listConstraint(own).keywords,
    notes: [...item.notes, ...celRulesOf(rules).map(note)],
  };
}

function itemForm(field: DescField, rules: Rules, refer: Refer): RequestForm {
  const cel = celRulesOf(rules);
  if (field.message) return messageForm(field.message, rules, cel, refer);
  const notes = cel.map(note);
  if (field.enum) {
    return { base: refer(field.enum), ...enumConstraint(field.enum, inner(rules, 'enum')), notes };
  }
  const type = field.scalar ?? ScalarType.STRING;
  const kind = ScalarType[type].toLowerCase();
  const own = inner(rules, kind);
  const integer = integerRequest(type);
  if (integer) return { base: integer, keywords: integerConstraint(type, own).keywords, notes };
  if (type === ScalarType.STRING) {
    return { base: plainScalar(type), keywords: textConstraint(own).keywords, notes };
  }
  if (type === ScalarType.BYTES) return { base: plainScalar(type), keywords: bytesConstraint(own), notes };
  for (const name of Object.keys(own)) throw unknownRule(kind, name);
  return { base: plainScalar(type), keywords: {}, notes };
}

function messageForm(desc: DescMessage, rules: Rules, cel: readonly CelRule[], refer: Refer): RequestForm {
  const known = wellKnownType(desc);
  if (!known) {
    const { keywords, notes } = celConstraint(desc, cel);
    // In allOf, because many tools ignore keywords beside a $ref.
    const base = Object.keys(keywords).length > 0 ? { allOf: [refer(desc), keywords] } : refer(desc);
    return { base, keywords: {}, notes };
  }
  const kind = desc.name === 'FieldMask' ? 'field_mask' : desc.name.toLowerCase();
  const { notes } = timeConstraint(kind, inner(rules, kind));
  return { base: known, keywords: {}, notes: [...notes, ...cel.map(note)] };
}
