// Calls over REST.
import { headersOf, type Identity } from './identity.ts';

/** An answer over REST. */
export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The body, read as JSON; as text where it is none. */
  readonly body: unknown;
}

/** Sends one request. The body goes out exactly as given. */
export async function requestRest(
  url: string,
  method: string,
  body: string | undefined,
  identity: Identity,
  timeoutMs = 10_000,
): Promise<RestAnswer> {
  const response = await fetch(url, {
    method,
    headers: { ...headersOf(identity), ...(body !== undefined && { 'content-type': 'application/json' }) },
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
