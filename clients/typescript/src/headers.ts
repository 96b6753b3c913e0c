// The headers of a call, over gRPC and REST alike: who it acts for, and its signature.
import { newNonce, type SigningKey, signRequest } from './signature.ts';

/** Who a call acts for and what for. */
export interface Identity {
  /** The acting user, a whole number from 1 to 2^63 - 1. */
  readonly userId?: string | bigint | number | undefined;
  /** The room in which a sprinkle of wallet.v1 happens. */
  readonly roomId?: string | undefined;
  /** Names one intent to move money: the same for every retry of it. */
  readonly idempotencyKey?: string | undefined;
}

/** Where a request goes and what it carries. */
export interface OutgoingRequest {
  /** In upper case; over gRPC always `POST`. */
  readonly method: string;
  /** The path with its query, as on the wire; over gRPC `/package.Service/Method`. */
  readonly target: string;
  /** The body's bytes; over gRPC those of the serialized message. */
  readonly body: Uint8Array;
}

/** The headers that say who a call acts for. Throws a TypeError for a number that JavaScript may have rounded. */
function headersOf({ userId, roomId, idempotencyKey }: Identity): Record<string, string> {
  if (typeof userId === 'number' && !Number.isSafeInteger(userId))
    throw new TypeError('a userId above 2^53 - 1 is a string or a bigint');
  return {
    ...(userId !== undefined && { 'x-user-id': String(userId) }),
    ...(roomId !== undefined && { 'x-room-id': roomId }),
    ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
  };
}

/**
 * All headers of a call: who it acts for and, with a key, its signature. Each attempt needs new ones, because a nonce is
 * accepted once. `nowMs` is the present time in milliseconds since 1970. Throws a TypeError when the request cannot be
 * signed.
 */
export function signedHeaders(
  { method, target, body }: OutgoingRequest,
  identity: Identity,
  key: SigningKey | undefined,
  nowMs = Date.now(),
): Record<string, string> {
  const headers = headersOf(identity);
  if (!key) return headers;
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? '' : target.slice(mark);
  const created = Math.floor(nowMs / 1000);
  const signature = signRequest({ method, path, query, headers, body, key, created, nonce: newNonce() });
  return { ...headers, ...signature };
}

/** The key of an id and a secret, as `npm run keys` and dev.json show them. */
export function hmacKey(keyId: string, secret: string): SigningKey {
  return { keyId, kind: 'hmac-sha256', secret: Buffer.from(secret, 'utf8') };
}
