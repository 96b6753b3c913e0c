// Calls over REST.

import type { Identity } from './headers.ts';
import { signedHeaders } from './headers.ts';
import type { SigningKey } from './signature.ts';

/** An answer over REST. */
export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The body parsed as JSON, or its text when it is not JSON. */
  readonly body: unknown;
}

/**
 * Sends one request, signed if a key is given. The body is sent exactly as given, because the signature covers its bytes.
 * Resolves with any HTTP status; rejects when no answer comes within `timeoutMs`.
 */
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
