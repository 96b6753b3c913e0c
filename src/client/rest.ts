// Calls over REST.
import type { SigningKey } from '../signatures/index.ts';
import type { Identity } from './identity.ts';
import { signedHeaders } from './signer.ts';

/** An answer over REST. */
export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The body, read as JSON; as text where it is none. */
  readonly body: unknown;
}

/** Sends one request, signed with the key if there is one. The body goes out exactly as given. */
export async function requestRest(
  url: string,
  method: string,
  body: string | undefined,
  identity: Identity,
  key?: SigningKey,
  timeoutMs = 10_000,
): Promise<RestAnswer> {
  const { pathname, search } = new URL(url);
  const outgoing = { method, target: pathname + search, body: Buffer.from(body ?? '', 'utf8') };
  const response = await fetch(url, {
    method,
    headers: {
      ...signedHeaders(outgoing, identity, key),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    signal: AbortSignal.timeout(timeoutMs),
    ...(body !== undefined && { body }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
