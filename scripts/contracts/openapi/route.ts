// Reads google.api.http: the verb, the path and the body of an RPC over REST.
import type { DescMethod } from '@bufbuild/protobuf';
import type { HttpRule } from './options.ts';

/** One way to call an RPC over REST. */
export interface Route {
  readonly verb: string;
  /** As OpenAPI writes it: `/api/v1/sprinkles/{token}/claim`. */
  readonly path: string;
  /** The fields of the request that stand in the path, as `room_id` or `wallet.wallet_id`. */
  readonly pathFields: readonly string[];
  /** The field that is the body, `*` for every field that is not in the path, or empty for no body. */
  readonly body: string;
}

const VERBS = new Set(['get', 'put', 'post', 'delete', 'patch']);

/** Every route of an RPC, the main one first. Throws on what Envoy could do and the documents cannot say. */
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
