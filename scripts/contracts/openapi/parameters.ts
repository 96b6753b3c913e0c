// The parameters of an operation: what stands in the path, in the query and in the headers.
import type { DescField, DescMessage } from '@bufbuild/protobuf';
import type { Catalog } from './catalog.ts';
import { commentOf, sentences } from './comment.ts';
import type { JsonObject, JsonSchema } from './json.ts';
import { requestField } from './request-field.ts';
import { wellKnown } from './well-known.ts';

/** The fields of a request that stand in the path. */
export function pathParameters(desc: DescMessage, names: readonly string[], catalog: Catalog): JsonObject[] {
  return names.map((name) => {
    const { schema, description } = requestField(fieldAt(desc, name), catalog.referRequest);
    return { name, in: 'path', description, required: true, schema: notEmpty(schema) };
  });
}

/**
 * The fields of a request that stand in the query, all but `leftOut` and what is below it: repeated ones as `ids=a&ids=b`, those of a message by their path
 * (`amount.minor_units`), timestamps as RFC 3339.
 */
export function queryParameters(
  desc: DescMessage,
  leftOut: readonly string[],
  catalog: Catalog,
): JsonObject[] {
  const isIn = (name: string) => leftOut.some((path) => name === path || name.startsWith(`${path}.`));
  return fieldsBelow(desc, '', catalog, []).filter(({ name }) => !isIn(String(name)));
}

function fieldsBelow(
  desc: DescMessage,
  prefix: string,
  catalog: Catalog,
  above: readonly DescMessage[],
): JsonObject[] {
  if (above.includes(desc)) throw new Error(`${desc.toString()} holds itself and cannot stand in a query`);
  return desc.fields.flatMap((field): JsonObject[] => {
    const name = `${prefix}${field.name}`;
    if (field.message && !wellKnown(field.message)) {
      if (field.fieldKind === 'list')
        throw new Error(`${field.toString()}: a list of messages cannot stand in a query`);
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

/** A path segment is never empty; text without a rule that says so gets one. */
function notEmpty(schema: JsonSchema): JsonSchema {
  const saysSo = ['pattern', 'minLength', 'format', 'enum', 'const'].some((keyword) => keyword in schema);
  return schema.type === 'string' && !saysSo ? { ...schema, minLength: 1 } : schema;
}

/** The headers that a call can have to bring, by the field of ppuri.options.v1.Call that demands them. */
const HEADERS: Readonly<Record<string, { readonly name: string; readonly schema: JsonSchema }>> = {
  acting_user: { name: 'x-user-id', schema: { type: 'string', pattern: '^[1-9][0-9]{0,18}$' } },
  room: { name: 'x-room-id', schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' } },
  idempotency_key: { name: 'idempotency-key', schema: { type: 'string', pattern: '^[!-~]{1,128}$' } },
};

/** Refers to the header that a field of the option demands. */
export function referHeader(demand: string): JsonObject {
  return { $ref: `#/components/parameters/${headerOf(demand).name}` };
}

/** The headers that any of the given fields of the option demands, as components. */
export function headerParameters(call: DescMessage, demands: ReadonlySet<string>): JsonObject {
  const used = call.fields.filter(({ name }) => demands.has(name));
  return Object.fromEntries(
    used.map((field) => {
      const { name, schema } = headerOf(field.name);
      // The comment in the proto opens with the header's name, which stands beside it here.
      const words = commentOf(field).replace(new RegExp(`^${name}: `), '');
      const description = sentences(words && `${words[0]?.toUpperCase()}${words.slice(1)}`);
      return [name, { name, in: 'header', description, required: true, schema }];
    }),
  );
}

function headerOf(demand: string): { readonly name: string; readonly schema: JsonSchema } {
  const header = HEADERS[demand];
  if (!header)
    throw new Error(`the OpenAPI documents do not know which header ppuri.options.v1.Call.${demand} demands`);
  return header;
}
