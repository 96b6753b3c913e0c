// Attempts over REST.
import type { DescMethod, JsonValue } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { isFile } from './contracts.ts';
import { PpuriError } from './error.ts';
import { serializePiece, whole } from './file.ts';
import { type Identity, signedHeaders } from './headers.ts';
import { requestToJson, responseToJson, serializeResponse } from './messages.ts';
import { restRequest } from './rest-request.ts';
import type { SigningKey } from './signature.ts';
import { isLastMessage, linesOf } from './stream.ts';
import type { Attempt, Sign, Transport } from './transport.ts';

/** How to make requests. */
export interface RestOptions {
  /** Used in place of the fetch of Node, for example one that goes through a proxy. */
  readonly fetch?: typeof fetch | undefined;
}

/** Makes requests to a URL, to which the paths of the contracts are appended. Throws a TypeError for a wrong URL. */
export function restTransport(url: string, sign: Sign, { fetch: send = fetch }: RestOptions): Transport {
  const { origin, pathname, search, hash, username } = new URL(url);
  if (search || hash || username) throw new TypeError(`${url} is more than an origin and a path`);
  const base = origin + pathname.replace(/\/+$/, '');
  const open = async ({ rpc, body, identity, signal }: Attempt): Promise<Response> => {
    signal.throwIfAborted();
    const request = restRequest(rpc, requestToJson(rpc, body));
    // Signed without the path of the base URL, which the proxy that it leads to removes.
    const target = new URL(base + request.target).href.slice(base.length);
    const signed = sign({ ...request, target, body: Buffer.from(request.body ?? '') }, identity);
    const content = request.body === undefined ? {} : { 'content-type': 'application/json' };
    return send(base + target, {
      method: request.method,
      headers: { ...signed, ...content },
      // A signature is for one address.
      redirect: 'manual',
      signal,
      ...(request.body !== undefined && { body: request.body }),
    });
  };
  return {
    unary: async (attempt) => {
      try {
        const answer = await open(attempt);
        const text = await answer.text();
        if (answer.status !== 200) throw PpuriError.ofRest(answer.status, answer.headers, text);
        return readMessage(attempt.rpc, answer, text);
      } catch (error) {
        throw asPpuriError(error, attempt.signal);
      }
    },
    async *stream(attempt) {
      let isComplete = false;
      try {
        const answer = await open(attempt);
        if (answer.status !== 200 || !answer.body)
          throw PpuriError.ofRest(answer.status, answer.headers, await answer.text());
        if (isFile(attempt.rpc)) {
          const contentType = answer.headers.get('content-type') ?? '';
          for await (const piece of whole(answer.body)) yield serializePiece(attempt.rpc, contentType, piece);
          return;
        }
        for await (const line of linesOf(answer.body)) {
          const message = readMessage(attempt.rpc, answer, line);
          isComplete = isLastMessage(attempt.rpc, responseToJson(attempt.rpc, message));
          yield message;
        }
      } catch (error) {
        throw asPpuriError(error, attempt.signal);
      }
      if (!isComplete)
        throw new PpuriError({
          status: status.UNAVAILABLE,
          message: 'the stream was cut off before its end',
        });
    },
    close: () => {},
  };
}

function readMessage(rpc: DescMethod, { status: httpStatus, headers }: Response, text: string): Uint8Array {
  try {
    return serializeResponse(rpc, JSON.parse(text) as JsonValue);
  } catch {
    throw PpuriError.ofForeign(httpStatus, headers);
  }
}

/** What fetch throws has no answer in it: the connection failed or broke. */
function asPpuriError(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (!(error instanceof TypeError) || !('cause' in error)) return error;
  const { cause } = error;
  const why = cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : '';
  return new PpuriError({
    status: status.UNAVAILABLE,
    message: why ? `${error.message}: ${why}` : error.message,
    cause: error,
  });
}

/** An answer over REST. */
export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The body parsed as JSON, or its text when it is not JSON. */
  readonly body: unknown;
}

/**
 * Sends one request to any URL, signed if a key is given, once. The body is sent exactly as given, because the signature
 * covers its bytes. Resolves with any HTTP status; rejects when no answer comes within `timeoutMs`.
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
