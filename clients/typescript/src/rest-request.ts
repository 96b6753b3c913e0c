// Where a call goes over REST: its path, query and body, by google.api.http.
import type { DescMethod } from '@bufbuild/protobuf';
import { nameOf, type RestRoute, restRoutesOf } from './contracts.ts';
import type { Json } from './messages.ts';

/** A request over REST. */
export interface RestRequest {
  /** In upper case. */
  readonly method: string;
  /** The path with its query, percent-encoded. */
  readonly target: string;
  /** In JSON; undefined when there is none. */
  readonly body: string | undefined;
}

/** The edge takes 16 KiB of headers; a longer query goes into a body where there is such a route. */
const LONGEST_TARGET = 8_000;
/** Characters of a path that no proxy changes or refuses (RFC 3986, section 2.3). */
const UNRESERVED = /^[A-Za-z0-9._~-]+$/;

/**
 * The request of a call, over the first of the RPC's routes that has room for it. Throws a TypeError when the RPC is not
 * offered over REST, or a value of the path would change where the path leads.
 */
export function restRequest(rpc: DescMethod, fields: Json): RestRequest {
  const routes = restRoutesOf(rpc);
  const [usual] = routes;
  if (!usual) throw new TypeError(`${nameOf(rpc)} is not offered over REST`);
  const isPlain = ({ path }: RestRoute) =>
    namesIn(path).every((name) => UNRESERVED.test(String(fields[name] ?? '')));
  const requests = [routes.find(isPlain) ?? usual, ...routes.filter(({ hasBody }) => hasBody)].map((route) =>
    requestOver(route, fields),
  );
  return requests.find(({ target }) => target.length <= LONGEST_TARGET) ?? (requests[0] as RestRequest);
}

function namesIn(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
}

function requestOver({ method, path, hasBody }: RestRoute, fields: Json): RestRequest {
  const inPath = namesIn(path);
  const target = path.replace(/\{(\w+)\}/g, (_match, name: string) => {
    const value = String(fields[name] ?? '');
    if (['', '.', '..'].includes(value))
      throw new TypeError(`${name} is in the path and must not be '${value}'`);
    return encodeURIComponent(value);
  });
  const others = Object.entries(fields).filter(([name]) => !inPath.includes(name));
  if (hasBody) return { method, target, body: JSON.stringify(Object.fromEntries(others)) };
  const parameters = new URLSearchParams(
    others.flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map((element) => [name, String(element)]),
    ),
  );
  // A form writes a space as a plus; the edge reads a plus as itself (RFC 3986).
  const query = parameters.toString().replaceAll('+', '%20');
  return { method, target: query === '' ? target : `${target}?${query}`, body: undefined };
}
