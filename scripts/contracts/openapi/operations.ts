// One RPC as an operation of an OpenAPI document: its parameters, its body and its answers.
import type { DescField, DescMessage, DescMethod } from '@bufbuild/protobuf';
import { commentOf, type Route, sentences, summaryOf } from './contracts.ts';
import { errorResponses } from './errors.ts';
import type { JsonObject, JsonSchema } from './json.ts';
import { isRequired } from './rules.ts';
import { type Catalog, requestField, wellKnownType } from './schemas.ts';

/** What a call of an RPC must bring besides its message, and what it costs. */
export interface CallRequirements {
  /** The names of the fields of `(ppuri.options.v1.call)` that require a header. */
  readonly headers: readonly string[];
  /** What a call takes of the rate limits, as a sentence; empty for one unit. */
  readonly cost: string;
  /** The scope that the caller's key must have. */
  readonly scope: string;
  /** The reasons for which the call can be refused, besides those of any call. */
  readonly reasons: readonly string[];
}

/** The name of the component that describes the content-digest header. */
export const CONTENT_DIGEST = 'content-digest';

/** The operation of one route of an RPC. `ordinal` counts the routes of the RPC from 0. */
export function operationOf(
  method: DescMethod,
  route: Route,
  ordinal: number,
  requirements: CallRequirements,
  catalog: Catalog,
): JsonObject {
  const summary = summaryOf(commentOf(method));
  const comment = sentences(commentOf(method), requirements.cost) ?? '';
  const requestBody = bodyOf(method.input, route, catalog);
  const operationId = `${method.parent.name}_${method.name}${ordinal > 0 ? `_${ordinal + 1}` : ''}`;
  return {
    operationId,
    tags: [method.parent.name],
    summary: summary || undefined,
    description: comment.replace(/\.$/, '') === summary ? undefined : comment,
    deprecated: method.deprecated || undefined,
    'x-grpc-method': `${method.parent.typeName}/${method.name}`,
    'x-streaming': method.methodKind === 'server_streaming' || undefined,
    'x-scope': requirements.scope,
    'x-reasons': [...requirements.reasons],
    parameters: parametersOf(method.input, route, requirements.headers, catalog, requestBody !== undefined),
    requestBody,
    responses: { 200: answerOf(method, catalog), ...errorResponses() },
  };
}

function bodyOf(input: DescMessage, { body, pathFields }: Route, catalog: Catalog): JsonObject | undefined {
  if (body === '') return undefined;
  if (body !== '*') return namedBody(input, body, catalog);
  const rest = input.fields.filter(({ name }) => !pathFields.includes(name));
  // Envoy accepts no body for a message without fields.
  if (rest.length === 0) return undefined;
  const isNeeded =
    rest.some(({ name }) => catalog.required(input).has(name)) || input.oneofs.some(isRequired);
  return content(catalog.referBody(input, pathFields), isNeeded);
}

function namedBody(input: DescMessage, body: string, catalog: Catalog): JsonObject {
  const field = input.fields.find(({ name }) => name === body);
  if (field?.fieldKind !== 'message')
    throw new Error(`${input.toString()}: the body ${body} has to be a message`);
  return content(catalog.referRequest(field.message), catalog.required(input).has(body));
}

function content(schema: JsonSchema, required: boolean): JsonObject {
  return { required, content: { 'application/json': { schema } } };
}

const STREAM = 'A stream: one such object a line (NDJSON), for as long as the call lives.';
const EVENTS =
  ' For a request that accepts text/event-stream each is the data of a server-sent event, whose id is the cursor.';

function answerOf(method: DescMethod, catalog: Catalog): JsonObject {
  if (method.output.typeName === 'google.api.HttpBody') {
    // What is in it, and its content type, are for the RPC to say.
    const schema = { type: 'string', format: 'binary' };
    return { description: 'The file.', content: { '*/*': { schema } } };
  }
  const comment = commentOf(method.output);
  const isStream = method.methodKind === 'server_streaming';
  const schema = catalog.referAnswer(method.output);
  // envoy/server-sent-events.lua makes events of them.
  const hasEvents = isStream && 'cursor' in method.output.field;
  return {
    description: sentences(comment, isStream ? (hasEvents ? STREAM + EVENTS : STREAM) : '') ?? 'OK.',
    content: {
      'application/json': { schema },
      ...(hasEvents && { 'text/event-stream': { schema: { type: 'string' } } }),
    },
  };
}

function parametersOf(
  input: DescMessage,
  { pathFields, body }: Route,
  headers: readonly string[],
  catalog: Catalog,
  hasBody: boolean,
): JsonObject[] | undefined {
  const parameters = [
    ...headers.map((field) => referParameter(headerOf(field).name)),
    ...(hasBody ? [referParameter(CONTENT_DIGEST)] : []),
    ...pathParameters(input, pathFields, catalog),
    ...(body === '*' ? [] : queryParameters(input, [...pathFields, body], catalog)),
  ];
  return parameters.length > 0 ? parameters : undefined;
}

function referParameter(name: string): JsonObject {
  return { $ref: `#/components/parameters/${name}` };
}

function pathParameters(desc: DescMessage, names: readonly string[], catalog: Catalog): JsonObject[] {
  return names.map((name) => {
    const { schema, description } = requestField(fieldAt(desc, name), catalog.referRequest);
    return { name, in: 'path', description, required: true, schema: notEmpty(schema) };
  });
}

/** The field at a path: `room_id`, `wallet.wallet_id`. */
function fieldAt(desc: DescMessage, path: string): DescField {
  let field: DescField | undefined;
  let message: DescMessage | undefined = desc;
  for (const name of path.split('.')) {
    field = message?.fields.find((candidate) => candidate.name === name);
    message = field?.message;
  }
  if (!field) throw new Error(`${desc.toString()} has no field ${path}, which its path names`);
  return field;
}

/** A path segment is never empty: a string without a rule that excludes it gets one. */
function notEmpty(schema: JsonSchema): JsonSchema {
  const isBounded = ['pattern', 'minLength', 'format', 'enum', 'const'].some((keyword) => keyword in schema);
  return schema.type === 'string' && !isBounded ? { ...schema, minLength: 1 } : schema;
}

/**
 * The fields of a request that are in the query, all but those in `leftOut` and below them. Repeated fields are written
 * `ids=a&ids=b`, fields of a message by their path (`amount.minor_units`), timestamps as RFC 3339.
 */
function queryParameters(desc: DescMessage, leftOut: readonly string[], catalog: Catalog): JsonObject[] {
  const isLeftOut = (name: string) => leftOut.some((path) => name === path || name.startsWith(`${path}.`));
  return fieldsBelow(desc, '', catalog, []).filter(({ name }) => !isLeftOut(String(name)));
}

function fieldsBelow(
  desc: DescMessage,
  prefix: string,
  catalog: Catalog,
  above: readonly DescMessage[],
): JsonObject[] {
  if (above.includes(desc)) throw new Error(`${desc.toString()} contains itself and cannot be in a query`);
  return desc.fields.flatMap((field): JsonObject[] => {
    const name = `${prefix}${field.name}`;
    if (field.message && !wellKnownType(field.message)) {
      if (field.fieldKind === 'list')
        throw new Error(`${field.toString()}: a list of messages cannot be in a query`);
      return fieldsBelow(field.message, `${name}.`, catalog, [...above, desc]);
    }
    const { schema, description } = requestField(field, catalog.referRequest);
    return [
      {
        name,
        in: 'query',
        description,
        deprecated: field.deprecated || undefined,
        required: (prefix === '' && catalog.required(desc).has(field.name)) || undefined,
        ...(field.fieldKind === 'list' && { style: 'form', explode: true }),
        schema,
      },
    ];
  });
}

/** The headers that a call may have to bring, by the field of ppuri.options.v1.Call that requires them. */
const HEADERS: Readonly<Record<string, { readonly name: string; readonly schema: JsonSchema }>> = {
  acting_user: { name: 'x-user-id', schema: { type: 'string', pattern: '^[1-9][0-9]{0,18}$' } },
  room: { name: 'x-room-id', schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' } },
  idempotency_key: { name: 'idempotency-key', schema: { type: 'string', pattern: '^[!-~]{1,128}$' } },
};

/** The headers that the given fields of the option require, as components. */
export function headerParameters(call: DescMessage, fields: ReadonlySet<string>): JsonObject {
  const used = call.fields.filter(({ name }) => fields.has(name));
  return Object.fromEntries(
    used.map((field) => {
      const { name, schema } = headerOf(field.name);
      // The comment in the proto begins with the header's name, which the parameter has already.
      const comment = commentOf(field).replace(new RegExp(`^${name}: `), '');
      const description = sentences(comment && `${comment[0]?.toUpperCase()}${comment.slice(1)}`);
      return [name, { name, in: 'header', description, required: true, schema }];
    }),
  );
}

function headerOf(field: string): { readonly name: string; readonly schema: JsonSchema } {
  const header = HEADERS[field];
  if (!header)
    throw new Error(`the OpenAPI documents do not know which header ppuri.options.v1.Call.${field} requires`);
  return header;
}
