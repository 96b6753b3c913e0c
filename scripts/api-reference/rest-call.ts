// A request as REST carries it: its fields in the path, in the query or in the body.
import type { JsonValue } from '@bufbuild/protobuf';

/** Where an RPC is over REST. */
export interface Route {
  /** In upper case. */
  readonly method: string;
  /** Fields of the request are in braces. */
  readonly path: string;
  /** Whether the fields that are not in the path are in the body; otherwise they are in the query. */
  readonly hasBody: boolean;
}

/** A request over REST. */
export interface RestCall {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly body: Readonly<Record<string, JsonValue>> | undefined;
}

/** The call of a route with a request. */
export function restCallOf(route: Route, request: Readonly<Record<string, JsonValue>>): RestCall {
  const rest: Record<string, JsonValue> = { ...request };
  const path = route.path.replace(/\{(\w+)\}/g, (_match, name: string) => {
    const value = rest[name];
    delete rest[name];
    return encodeURIComponent(String(value));
  });
  const { method } = route;
  if (route.hasBody) return { method, path, body: rest };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(rest)) {
    for (const element of Array.isArray(value) ? value : [value]) query.append(name, String(element));
  }
  // A form writes a space as a plus; the edge reads a plus as itself (RFC 3986).
  const text = query.toString().replaceAll('+', '%20');
  return { method, path: text ? `${path}?${text}` : path, body: undefined };
}
