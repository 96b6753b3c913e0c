// The contract as a Lua table of routes and fields, by which strict-rest.lua checks REST requests.
import { readFileSync } from 'node:fs';
import {
  createFileRegistry,
  type DescField,
  type DescMessage,
  type DescMethod,
  fromBinary,
  getOption,
  ScalarType,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

/** google.api.HttpRule; the registry reads the option without a generated type. */
interface HttpRule {
  readonly pattern: { readonly case?: string; readonly value?: string };
  readonly body: string;
  readonly additionalBindings: readonly HttpRule[];
}

/** A Lua table constructor, number, text or boolean. */
type Lua = string;

const INTEGERS = new Set([
  ScalarType.INT32,
  ScalarType.INT64,
  ScalarType.UINT32,
  ScalarType.UINT64,
  ScalarType.SINT32,
  ScalarType.SINT64,
  ScalarType.FIXED32,
  ScalarType.FIXED64,
  ScalarType.SFIXED32,
  ScalarType.SFIXED64,
]);
/** Messages that are strings in ProtoJSON. */
const WRITTEN_AS_TEXT = ['google.protobuf.Timestamp', 'google.protobuf.Duration'];

/** The services over REST: those of wallet.v1 and wallet.v2, never those of admin.v1. */
export function restServices(descriptorFile: string): string[] {
  return [...read(descriptorFile)].flatMap((type) =>
    type.kind === 'service' && type.typeName.startsWith('wallet.') ? [type.typeName] : [],
  );
}

function read(descriptorFile: string) {
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptorFile)));
}

/** Lua code that defines ROUTES and VERBS of the services over REST. */
export function restContract(descriptorFile: string, services: readonly string[]): Lua {
  const registry = read(descriptorFile);
  const http = registry.getExtension('google.api.http');
  if (!http) throw new Error('the descriptor lacks google.api.http');
  const routes = new Map<string, Lua[]>();
  const verbs = new Set<string>();
  for (const name of services) {
    for (const method of registry.getService(name)?.methods ?? []) {
      const rule = getOption(method, http) as unknown as HttpRule;
      for (const binding of [rule, ...rule.additionalBindings]) {
        const route = routeOf(method, binding);
        if (!route) continue;
        if (route.verb) verbs.add(route.verb);
        routes.set(route.method, [...(routes.get(route.method) ?? []), route.lua]);
      }
    }
  }
  return [
    `local ROUTES = ${table([...routes].map(([method, lua]) => [method, `{ ${lua.join(',\n')} }`]))}`,
    `local VERBS = ${table([...verbs].map((verb) => [verb, 'true']))}`,
  ].join('\n');
}

function routeOf(method: DescMethod, { pattern, body }: HttpRule) {
  if (!pattern.case || !pattern.value) return undefined;
  if (body !== '' && body !== '*')
    throw new Error(`${method.toString()}: a body of one field is not checked`);
  const [, path = '', verb] = /^(.*?)(?::(\w+))?$/.exec(pattern.value) ?? [];
  const inPath = new Set<string>();
  const places: Lua[] = [];
  const segments = path
    .slice(1)
    .split('/')
    .map((segment, index) => {
      const [, field] = /^\{(\w+)\}$/.exec(segment) ?? [];
      if (field === undefined && segment.includes('{')) throw new Error(`${pattern.value} is not understood`);
      if (field !== undefined) {
        inPath.add(field);
        places.push(`[${index + 1}] = ${text(field)}`);
      }
      return field === undefined ? text(segment) : 'false';
    });
  const lua = table([
    ['segments', `{ ${segments.join(', ')} }`],
    ['places', `{ ${places.join(', ')} }`],
    ['verb', verb === undefined ? 'nil' : text(verb)],
    ['body', String(body === '*')],
    ['hasCursor', String(method.methodKind === 'server_streaming' && 'cursor' in method.output.field)],
    ['fields', fieldsOf(method.input, inPath)],
  ]);
  return { method: pattern.case.toUpperCase(), verb, lua };
}

function fieldsOf(message: DescMessage, inPath: ReadonlySet<string> = new Set()): Lua {
  // One table for both names of a field.
  const fields = message.fields.map((field) => {
    const lua = table([
      ['name', text(field.name)],
      ...shapeOf(field),
      ['list', String(field.fieldKind === 'list')],
      ['oneof', field.oneof ? text(field.oneof.name) : 'nil'],
      ['inPath', String(inPath.has(field.name))],
    ]);
    const names = [...new Set([field.name, field.jsonName])].map((name) => `f[${text(name)}]`);
    return `${names.join(', ')} = ${names.length > 1 ? `both(${lua})` : lua}`;
  });
  return `(function() local function both(field) return field, field end local f = {} ${fields.join(' ')} return f end)()`;
}

function shapeOf(field: DescField): [string, Lua][] {
  if (field.message) {
    if (WRITTEN_AS_TEXT.includes(field.message.typeName)) return [['kind', text('text')]];
    return [
      ['kind', text('message')],
      ['fields', fieldsOf(field.message)],
    ];
  }
  if (field.enum) {
    return [
      ['kind', text('enum')],
      ['values', table(field.enum.values.map(({ name }) => [name, 'true']))],
    ];
  }
  if (field.scalar === ScalarType.BOOL) return [['kind', text('bool')]];
  if (field.scalar === ScalarType.BYTES) return [['kind', text('bytes')]];
  if (field.scalar === ScalarType.STRING) return [['kind', text('text')]];
  if (field.scalar !== undefined && INTEGERS.has(field.scalar)) return [['kind', text('integer')]];
  throw new Error(`${field.toString()}: the edge does not know how to check this kind of field`);
}

function table(entries: readonly (readonly [string, Lua])[]): Lua {
  return `{ ${entries.map(([name, value]) => `[${text(name)}] = ${value}`).join(', ')} }`;
}

/** Names in contracts need no escaping. */
function text(name: string): Lua {
  if (!/^[\w.-]+$/.test(name)) throw new Error(`"${name}" is not a name of the contracts`);
  return `"${name}"`;
}
