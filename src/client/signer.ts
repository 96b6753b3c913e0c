// Signs a caller's requests, over gRPC and REST alike.
import { newNonce, type SigningKey, signRequest, splitTarget } from '../signatures/index.ts';
import { headersOf, type Identity } from './identity.ts';

/** Where a request goes and what it carries. */
export interface OutgoingRequest {
  /** POST and so on; over gRPC always POST. */
  readonly method: string;
  /** The path with its query, as it stands on the wire; over gRPC `/package.Service/Method`. */
  readonly target: string;
  /** The body's bytes; over gRPC those of the serialized message. */
  readonly body: Uint8Array;
}

/** All headers that a call carries: who it acts for, and, with a key, its signature. Made anew for every attempt. */
export function signedHeaders(
  request: OutgoingRequest,
  identity: Identity,
  key: SigningKey | undefined,
): Record<string, string> {
  const headers = headersOf(identity);
  if (!key) return headers;
  const { method, body } = request;
  const created = Math.floor(Date.now() / 1000);
  const signature = signRequest({
    method,
    ...splitTarget(request.target),
    headers,
    body,
    key,
    created,
    nonce: newNonce(),
  });
  return { ...headers, ...signature };
}

/** The key of an id and a secret, as `npm run keys` and dev.json show them. */
export function hmacKey(keyId: string, secret: string): SigningKey {
  return { keyId, kind: 'hmac-sha256', secret: Buffer.from(secret, 'utf8') };
}
