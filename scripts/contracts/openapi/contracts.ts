// What the contracts say beside their messages: options and REST routes of RPCs, and comments as documentation.
import {
  createRegistry,
  type DescEnum,
  type DescEnumValue,
  type DescExtension,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescMethod,
  type DescService,
  getOption,
  hasOption,
  type Registry,
} from '@bufbuild/protobuf';
import { getComments } from '@bufbuild/protoplugin';
import type { Reason } from '../../../src/domain/reasons.ts';
import { reasonsOf } from '../reasons.ts';

/** google.api.HttpRule, the fields used here. */
export interface HttpRule {
  readonly pattern: { readonly case: string | undefined; readonly value?: unknown };
  readonly body: string;
  readonly responseBody: string;
  readonly additionalBindings: readonly HttpRule[];
}

/** The options of the contracts. */
export interface ContractOptions {
  /** Every type of the contracts and of their imports. */
  readonly registry: Registry;
  /** The message of the option `(ppuri.options.v1.call)`: a boolean field for each header that an RPC can require. */
  readonly call: DescMessage;
  /** The REST route of an RPC; undefined when it is only offered over gRPC. */
  httpRule(method: DescMethod): HttpRule | undefined;
  /** The names of the fields of `call` that stand for the headers which an RPC requires. */
  requiredHeaders(method: DescMethod): readonly string[];
  /** How many units of the caller's rate limits a call takes, as a sentence; empty for one unit. */
  costOf(method: DescMethod): string;
  /** The scope that the caller's key must have: `pay`. */
  scopeOf(method: DescMethod): string;
  /** The reasons for which a call can be refused, besides those of any call. */
  reasonsOf(method: DescMethod): readonly Reason[];
}

/** The fields of `call` about the cost of a call. */
interface Cost {
  readonly cost: number;
  readonly itemCost?: { readonly field: string; readonly itemsPerUnit: number };
}

const SCOPE_PREFIX = 'SCOPE_';

/** Fields of `call` that only the server reads; they require no header. */
const NO_HEADERS: ReadonlySet<string> = new Set(['guesses_token']);

/** The options as the given files define them. They have no generated types, so their shape is declared above. */
export function contractOptions(files: readonly DescFile[]): ContractOptions {
  const registry = createRegistry(...files);
  const http = extension(registry, 'google.api.http');
  const callOption = extension(registry, 'ppuri.options.v1.call');
  const call = callOption.message;
  if (!call) throw new Error('ppuri.options.v1.call is not a message any more');
  return {
    registry,
    call,
    httpRule: (method) =>
      hasOption(method, http) ? (getOption(method, http) as unknown as HttpRule) : undefined,
    requiredHeaders: (method) => {
      if (!hasOption(method, callOption)) return [];
      const value = getOption(method, callOption) as unknown as Readonly<Record<string, unknown>>;
      return call.fields
        .filter((field) => value[field.localName] === true && !NO_HEADERS.has(field.name))
        .map((field) => field.name);
    },
    costOf: (method) => {
      if (!hasOption(method, callOption)) return '';
      const { cost, itemCost } = getOption(method, callOption) as unknown as Cost;
      if (itemCost) {
        const { field, itemsPerUnit } = itemCost;
        return `Takes one unit of the rate limits for each begun ${itemsPerUnit} of \`${field}\`.`;
      }
      return cost > 1 ? `Takes ${cost} units of the rate limits.` : '';
    },
    scopeOf: (method) => {
      if (!hasOption(method, callOption)) return '';
      const { scope } = getOption(method, callOption) as unknown as { readonly scope: number };
      const values = call.fields.find(({ name }) => name === 'scope')?.enum?.values ?? [];
      const name = values.find(({ number }) => number === scope)?.name ?? '';
      return name.slice(SCOPE_PREFIX.length).toLowerCase();
    },
    reasonsOf: (method) => reasonsOf(method, callOption),
  };
}

function extension(registry: Registry, name: string): DescExtension {
  const found = registry.getExtension(name);
  if (!found) throw new Error(`the contracts do not import the option ${name}`);
  return found;
}

/** One REST route of an RPC, from google.api.http. */
export interface Route {
  readonly verb: string;
  /** As OpenAPI writes it: `/api/v1/sprinkles/{token}/claim`. */
  readonly path: string;
  /** The fields of the request that are in the path, for example `room_id` or `wallet.wallet_id`. */
  readonly pathFields: readonly string[];
  /** The field that is the body, `*` for every field that is not in the path, or empty for no body. */
  readonly body: string;
}

const VERBS = new Set(['get', 'put', 'post', 'delete', 'patch']);

/** Every route of an RPC, the main one first. Throws for a rule that Envoy accepts and OpenAPI cannot express. */
export function routesOf(method: DescMethod, rule: HttpRule): Route[] {
  return [rule, ...rule.additionalBindings].map((binding) => routeOf(method, binding));
}

function routeOf(method: DescMethod, rule: HttpRule): Route {
  const { case: verb = '', value } = rule.pattern;
  if (!VERBS.has(verb) || typeof value !== 'string') {
    throw new Error(`${method.toString()}: OpenAPI has no verb for the http pattern "${verb}"`);
  }
  if (rule.responseBody) throw new Error(`${method.toString()}: response_body is not supported`);
  const pathFields: string[] = [];
  const path = value.replace(/\{([^}=]+)(?:=([^}]*))?\}/g, (_whole, field: string, segments?: string) => {
    if (segments !== undefined && segments !== '*') {
      throw new Error(`${method.toString()}: a path field of several segments is not supported: ${value}`);
    }
    pathFields.push(field);
    return `{${field}}`;
  });
  return { verb, path, pathFields, body: rule.body };
}

/** The comment above (or behind) an element of a proto file, without line breaks; paragraphs stay. Empty if there is none. */
export function commentOf(
  desc: DescEnum | DescEnumValue | DescField | DescMessage | DescMethod | DescService,
): string {
  const { leading, trailing } = getComments(desc);
  return (leading ?? trailing ?? '')
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s+/g, ' ').trim())
    .filter((paragraph) => paragraph !== '')
    .join('\n\n');
}

/** The first sentence of a comment without its full stop. */
export function summaryOf(comment: string): string {
  const [first = ''] = comment.split(/(?<=[.!?])\s/, 1);
  return first.replace(/\.$/, '');
}

/** Joins sentences; undefined when all are empty. */
export function sentences(...texts: readonly string[]): string | undefined {
  return texts.filter((text) => text !== '').join(' ') || undefined;
}
