// One RPC as an operation of an OpenAPI document.
import type { DescMessage, DescMethod } from '@bufbuild/protobuf';
import type { Catalog } from './catalog.ts';
import { commentOf, sentences, summaryOf } from './comment.ts';
import { errorResponses } from './errors.ts';
import type { JsonObject, JsonSchema } from './json.ts';
import { pathParameters, queryParameters, referHeader } from './parameters.ts';
import type { Route } from './route.ts';
import { isRequired } from './rules.ts';
import { CONTENT_DIGEST } from './security.ts';

/** What a call of an RPC must bring besides its message, and what it takes of the rate limits. */
export interface Demands {
  /** The names of the fields of `(ppuri.options.v1.call)` that ask for a header. */
  readonly headers: readonly string[];
  /** A sentence; empty where there is nothing to say. */
  readonly cost: string;
}

/** The operation for one route of an RPC. `ordinal` counts its routes from 0. */
export function operationOf(
  method: DescMethod,
  route: Route,
  ordinal: number,
  demands: Demands,
  catalog: Catalog,
): JsonObject {
  const summary = summaryOf(commentOf(method));
  const comment = sentences(commentOf(method), demands.cost) ?? '';
  const requestBody = bodyOf(method.input, route, catalog);
  const operationId = `${method.parent.name}_${method.name}${ordinal > 0 ? `_${ordinal + 1}` : ''}`;
  return {
    operationId,
    tags: [method.parent.name],
    summary: summary || undefined,
    description: comment.replace(/\.$/, '') === summary ? undefined : comment,
    deprecated: method.deprecated || undefined,
    parameters: parametersOf(method.input, route, demands.headers, catalog, requestBody !== undefined),
    requestBody,
    responses: { 200: answerOf(method, catalog), ...errorResponses() },
  };
}

function parametersOf(
  input: DescMessage,
  { pathFields, body }: Route,
  demands: readonly string[],
  catalog: Catalog,
  hasBody: boolean,
): JsonObject[] | undefined {
  const parameters = [
    ...demands.map(referHeader),
    ...(hasBody ? [{ $ref: `#/components/parameters/${CONTENT_DIGEST}` }] : []),
    ...pathParameters(input, pathFields, catalog),
    ...(body === '*' ? [] : queryParameters(input, [...pathFields, body], catalog)),
  ];
  return parameters.length > 0 ? parameters : undefined;
}

function bodyOf(input: DescMessage, { body, pathFields }: Route, catalog: Catalog): JsonObject | undefined {
  if (body === '') return undefined;
  if (body !== '*') return namedBody(input, body, catalog);
  const rest = input.fields.filter(({ name }) => !pathFields.includes(name));
  // Nothing to say in it: Envoy takes no body for an empty message.
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

function answerOf(method: DescMethod, catalog: Catalog): JsonObject {
  const words = commentOf(method.output);
  const stream = 'A stream: one such object a line (NDJSON), for as long as the call lives.';
  return {
    description: sentences(words, method.methodKind === 'server_streaming' ? stream : '') ?? 'OK.',
    content: { 'application/json': { schema: catalog.referAnswer(method.output) } },
  };
}
