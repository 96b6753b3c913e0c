// The calls of the API as its reference shows them, read from the OpenAPI documents and the recorded examples.
import { readFileSync } from 'node:fs';
import type { JsonValue } from '@bufbuild/protobuf';
import type { Reason } from '../../src/domain/reasons.ts';
import type { Route } from './rest-call.ts';

/** The versions of the API, the newest first. */
export const VERSIONS = ['v2', 'v1'] as const;
export type Version = (typeof VERSIONS)[number];

type Json = Readonly<Record<string, JsonValue>>;

/** A call that was really made, and its answers: one, or the messages of a stream. */
export interface Example {
  readonly identity: { readonly userId?: string; readonly roomId?: string; readonly idempotencyKey?: string };
  readonly request: Json;
  readonly answers: readonly Json[];
}

/** The examples of an RPC: one that was done, and one for each reason that it was refused for. */
export interface Examples {
  readonly done?: Example;
  readonly refused: Readonly<Partial<Record<Reason, Example>>>;
}

/** A field of a request or of an answer. */
export interface Field {
  /** Its path: `amount.minor_units`, `lines[].key`. */
  readonly path: string;
  /** In words: `UUID`, `list of objects`. */
  readonly type: string;
  readonly isRequired: boolean;
  readonly description: string;
  /** What an object may hold besides: `Exactly one of a, b.`, or nothing. */
  readonly choice: string;
  /** What its values mean, where it has names for them. */
  readonly values: readonly { readonly name: string; readonly meaning: string }[];
}

/** An RPC over REST and gRPC. */
export interface Operation {
  readonly version: Version;
  readonly service: string;
  readonly name: string;
  /** `wallet.v2.TransferService/CreateTransfer`. */
  readonly rpc: string;
  /** The main route first. */
  readonly routes: readonly Route[];
  readonly description: string;
  readonly isStream: boolean;
  /** Whether the messages of the stream are pieces of one file; the answers of its example are the file's lines. */
  readonly isFile: boolean;
  readonly scope: string;
  /** What it costs in the rate limits, as a sentence; empty for one unit. */
  readonly cost: string;
  /** The reasons that it can be refused for, besides those of any call. */
  readonly reasons: readonly Reason[];
  /** The names of the headers that it requires. */
  readonly headers: readonly string[];
  readonly request: readonly Field[];
  /** What its request may hold besides: `Exactly one of a, b.`, or nothing. */
  readonly choice: string;
  readonly answer: readonly Field[];
  readonly answerDescription: string;
  readonly examples: Examples;
}

/** A service with its operations. */
export interface Service {
  readonly version: Version;
  readonly name: string;
  readonly description: string;
  readonly operations: readonly Operation[];
}

/** A header of requests. */
export interface Header {
  readonly name: string;
  readonly description: string;
}

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

interface Parameter {
  readonly $ref?: string;
  readonly name: string;
  readonly in: 'header' | 'path' | 'query';
  readonly description?: string;
  readonly required?: boolean;
  readonly schema: Schema;
}

interface OpenApiOperation {
  readonly tags: readonly [string];
  readonly summary: string;
  readonly description?: string;
  readonly 'x-grpc-method': string;
  readonly 'x-streaming'?: true;
  readonly 'x-scope': string;
  readonly 'x-reasons': readonly Reason[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: { readonly 200: { readonly description: string; readonly content: AnswerContent } };
}

type Content = Readonly<Record<'application/json', { readonly schema: Schema }>>;

/** Of a file, the content type is not known. */
type AnswerContent = Content | Readonly<Record<'*/*', { readonly schema: Schema }>>;

interface Document {
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly parameters: Readonly<Record<string, Parameter>>;
    readonly securitySchemes: Readonly<Record<string, Header>>;
  };
}

const NO_EXAMPLES: Examples = { refused: {} };
const ROOT = new URL('../../', import.meta.url);
const readJson = (path: string) => JSON.parse(readFileSync(new URL(path, ROOT), 'utf8'));

/** The OpenAPI document of a version, as text. */
export const openApiText = (version: Version) =>
  readFileSync(new URL(`gen/openapi/wallet.${version}.json`, ROOT), 'utf8');

/** All services, those of the newest version first. */
export function readServices(): Service[] {
  const examples: Readonly<Record<string, Examples>> = readJson('docs/api/examples.json');
  return VERSIONS.flatMap((version) => {
    const document: Document = JSON.parse(openApiText(version));
    const all = operationsOf(document, version, examples);
    return document.tags.map(({ name, description }) => ({
      ...{ version, name, description },
      operations: all.filter(({ service }) => service === name),
    }));
  });
}

/** The headers that requests may have, with those of the signature. */
export function readHeaders(): Header[] {
  const { parameters, securitySchemes } = (JSON.parse(openApiText('v1')) as Document).components;
  return [...Object.values(parameters), ...Object.values(securitySchemes)].map(
    ({ name, description = '' }) => ({
      ...{ name, description },
    }),
  );
}

function operationsOf(
  document: Document,
  version: Version,
  examples: Readonly<Record<string, Examples>>,
): Operation[] {
  const entries = Object.entries(document.paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, operation]) => ({
      operation,
      route: { method: verb.toUpperCase(), path, hasBody: operation.requestBody !== undefined },
    })),
  );
  // An RPC with several routes has an operation for each.
  const byRpc = Map.groupBy(entries, ({ operation }) => operation['x-grpc-method']);
  return [...byRpc].map(([rpc, [main, ...others]]) => {
    if (!main) throw new Error(`${rpc} has no route`);
    const routes = [main, ...others].map(({ route }) => route);
    return {
      version,
      rpc,
      routes,
      examples: examples[rpc] ?? NO_EXAMPLES,
      ...readOperation(document, main.operation),
    };
  });
}

/** Sentences that the printer of the OpenAPI documents puts behind comments. */
const COST = /\s*Takes (?:\d+ units|one unit) of the rate limits[^.]*\./;
const CHOICE = /(?:Exactly|At most) one of [\w, ]+\./;

function readOperation(
  document: Document,
  operation: OpenApiOperation,
): Omit<Operation, 'version' | 'rpc' | 'routes' | 'examples'> {
  const whole = operation.description ?? `${operation.summary}.`;
  const parameters = (operation.parameters ?? []).map(
    (parameter) => resolve(document, parameter) as Parameter,
  );
  const body = operation.requestBody?.content['application/json'].schema;
  const answer = operation.responses[200];
  const inBody = body ? fieldsOf(document, body, '') : [];
  return {
    service: operation.tags[0],
    name: operation['x-grpc-method'].split('/')[1] ?? '',
    description: whole.replace(COST, ''),
    cost: COST.exec(whole)?.[0].trim() ?? '',
    isStream: operation['x-streaming'] ?? false,
    isFile: '*/*' in answer.content,
    scope: operation['x-scope'],
    reasons: operation['x-reasons'],
    headers: parameters.filter((one) => one.in === 'header').map(({ name }) => name),
    request: [
      ...parameters.filter((one) => one.in !== 'header').map((one) => parameterField(document, one)),
      ...inBody,
    ],
    choice: CHOICE.exec((body && resolve(document, body).description) ?? '')?.[0] ?? '',
    answer: answerFields(document, answer.content),
    answerDescription: answer.description,
  };
}

/** In an answer, `isRequired` would mean that a field is always there. */
function answerFields(document: Document, content: AnswerContent): Field[] {
  if ('*/*' in content) return [];
  const all = fieldsOf(document, content['application/json'].schema, '');
  return all.map((field) => ({ ...field, isRequired: false }));
}

function parameterField(document: Document, { name, description, required, schema }: Parameter): Field {
  const field = fieldOf(
    document,
    { ...schema, ...(description && { description }) },
    name,
    required ?? false,
  );
  return field;
}

/** The fields of an object and below it, each under its path. */
function fieldsOf(document: Document, schema: Schema, prefix: string): Field[] {
  const { properties = {}, required = [] } = resolve(document, schema);
  return Object.entries(properties).flatMap(([name, property]) => {
    const path = `${prefix}${name}`;
    const resolved = resolve(document, property);
    const item = resolved.items && resolve(document, resolved.items);
    const below = item ? fieldsOf(document, item, `${path}[].`) : fieldsOf(document, resolved, `${path}.`);
    return [fieldOf(document, property, path, required.includes(name)), ...below];
  });
}

function fieldOf(document: Document, schema: Schema, path: string, isRequired: boolean): Field {
  const resolved = resolve(document, schema);
  const named = resolved.items ? resolve(document, resolved.items) : resolved;
  // A field without a comment of its own is described by its message or its enum.
  const [own = ''] = (resolved.description ?? named.description ?? '').split('\n\n- ');
  return {
    ...{ path, isRequired, type: typeOf(document, resolved), values: valuesOf(document, schema) },
    description: own.replace(CHOICE, '').trim(),
    choice: CHOICE.exec(targetDescription(document, schema))?.[0] ?? '',
  };
}

/** The description of the message that a field holds, or holds a list of. */
function targetDescription(document: Document, { $ref, items }: Schema): string {
  if (items) return targetDescription(document, items);
  return ($ref && targetOf(document, $ref).description) ?? '';
}

/** The names of an enum and their meanings, which its description lists. */
function valuesOf(document: Document, schema: Schema): Field['values'] {
  const { $ref, items, allOf } = schema;
  if (items) return valuesOf(document, items);
  if ($ref === undefined) return (allOf ?? []).flatMap((one) => valuesOf(document, one));
  const target = targetOf(document, $ref);
  const meanings = new Map(
    [...(target.description ?? '').matchAll(/^- `(\w+)`: (.*)$/gm)].map(([, name = '', meaning = '']) => [
      name,
      meaning,
    ]),
  );
  return (target.enum ?? [])
    .filter((name) => !name.endsWith('_UNSPECIFIED'))
    .map((name) => ({ name, meaning: meanings.get(name) ?? '' }));
}

function typeOf(document: Document, schema: Schema): string {
  if (schema.items) return `list of ${PLURAL[typeOf(document, resolve(document, schema.items))] ?? 'values'}`;
  if (schema.enum) return 'one of';
  if (schema.format === 'int64') return 'int64 as a string';
  return FORMATS[schema.format ?? ''] ?? schema.type ?? 'object';
}

const FORMATS: Readonly<Record<string, string>> = { uuid: 'UUID', 'date-time': 'time', int32: 'int32' };
const PLURAL: Readonly<Record<string, string>> = { object: 'objects', UUID: 'UUIDs', 'one of': 'names' };

/** What a reference points to; a description beside the reference comes before the target's. */
function resolve<S extends Schema | Parameter>(document: Document, schema: S): S {
  const { $ref, allOf, ...own } = schema as Schema;
  if ($ref !== undefined) return { ...targetOf(document, $ref), ...own } as S;
  if (!allOf) return schema;
  return { ...Object.assign({}, ...allOf.slice(0, 1).map((one) => resolve(document, one))), ...own } as S;
}

function targetOf(document: Document, ref: string): Schema {
  const [kind, name = ''] = ref.replace('#/components/', '').split('/');
  const { schemas, parameters } = document.components;
  const found = kind === 'parameters' ? (parameters[name] as unknown as Schema) : schemas[name];
  if (!found) throw new Error(`${ref} points nowhere`);
  return found;
}
