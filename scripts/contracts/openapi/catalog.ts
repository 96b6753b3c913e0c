// Collects the schemas of a document: messages and enums, apart for requests and answers where they differ.
import type { DescEnum, DescMessage, DescOneof } from '@bufbuild/protobuf';
import { answerField, isAlwaysThere } from './answer-field.ts';
import { commentOf, sentences } from './comment.ts';
import type { JsonObject, JsonSchema } from './json.ts';
import { requestField } from './request-field.ts';
import { isRequired, messageNotes } from './rules.ts';

/** The schemas of one document. */
export interface Catalog {
  /** The fields of a request that may not be left out. */
  required(desc: DescMessage): ReadonlySet<string>;
  /** Refers to a message or an enum as requests carry it. */
  referRequest(desc: DescMessage | DescEnum): JsonSchema;
  /** Refers to a message as a body, without the fields that stand in the path. */
  referBody(desc: DescMessage, pathFields: readonly string[]): JsonSchema;
  /** Refers to a message or an enum as answers carry it. */
  referAnswer(desc: DescMessage | DescEnum): JsonSchema;
  /** Every schema referred to so far, by name. */
  schemas(): JsonObject;
}

/** Starts a catalog. `required` says which fields of a request may not be left out. */
export function createCatalog(required: Catalog['required']): Catalog {
  const schemas = new Map<string, JsonSchema>();
  const refer = (name: string, build: () => JsonSchema): JsonSchema => {
    if (!schemas.has(name)) {
      // Before it is built, for a message may hold itself.
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

/** The name inside its package: `Transfer`, or `Outer.Inner` for a nested one. */
function nameOf(desc: DescMessage | DescEnum): string {
  return desc.typeName.slice(desc.file.proto.package.length + 1);
}

/** Messages that are no requests themselves may stand in answers too, where other things hold: a name of their own. */
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
  const present = desc.fields.filter(isAlwaysThere).map(({ name }) => name);
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
    // Envoy drops what it does not know without a word, so that a misspelt name is noticed only by who checks this.
    additionalProperties: false,
    // Said as a double negation, which means the same: generators would make types of the bare alternatives.
    not: choices.length > 0 ? { not: choices.length === 1 ? choices[0] : { allOf: choices } } : undefined,
  };
}

/** One of the fields, or none of them where none is allowed too. */
function choiceOf(oneof: DescOneof): JsonSchema {
  const each: JsonSchema[] = oneof.fields.map(({ name }) => ({ required: [name] }));
  return { oneOf: isRequired(oneof) ? each : [...each, { not: { anyOf: each } }] };
}

function choiceNote(oneof: DescOneof): string {
  const names = oneof.fields.map(({ name }) => name).join(', ');
  return `${isRequired(oneof) ? 'Exactly one' : 'At most one'} of ${names}.`;
}

function enumSchema(desc: DescEnum, isRequest: boolean): JsonSchema {
  // A request that means the zero of an enum leaves the field out. Numbers are accepted, too, but one type is said.
  const values = isRequest ? desc.values.filter(({ number }) => number !== 0) : desc.values;
  const meanings = desc.values
    .filter((value) => commentOf(value) !== '')
    .map((value) => `- \`${value.name}\`: ${commentOf(value)}`);
  return {
    type: 'string',
    description:
      [commentOf(desc), meanings.join('\n')].filter((part) => part !== '').join('\n\n') || undefined,
    enum: values.map(({ name }) => name),
  };
}
