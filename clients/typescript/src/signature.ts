// Signs requests with HTTP Message Signatures (RFC 9421), in the profile that docs/signing.md describes.
//
// The server has its own code that verifies them, and neither imports the other: tests hold them together.
import { createHash, createHmac, type KeyObject, randomBytes, sign } from 'node:crypto';

/** An API key, as the caller has it. */
export type SigningKey =
  | { readonly keyId: string; readonly kind: 'hmac-sha256'; readonly secret: Uint8Array }
  | { readonly keyId: string; readonly kind: 'ed25519'; readonly privateKey: KeyObject };

/** The headers that a signature must cover when a request carries them, besides content-digest. */
export const SIGNED_HEADERS = ['x-user-id', 'x-room-id', 'idempotency-key'] as const;

/** A request that is about to be sent. */
export interface UnsignedRequest {
  /** In upper case; over gRPC always `POST`. */
  readonly method: string;
  /** As on the wire, percent-encoded; over gRPC `/wallet.v2.TransferService/CreateTransfer`. */
  readonly path: string;
  /** With its question mark: `?page_size=10`. Empty when there is none, as always over gRPC. */
  readonly query: string;
  /** Those of the signed headers that the request carries. */
  readonly headers: Readonly<Partial<Record<(typeof SIGNED_HEADERS)[number], string>>>;
  /** The body's bytes as they are sent, over gRPC those of the serialized message; empty when there is none. */
  readonly body: Uint8Array;
  readonly key: SigningKey;
  /** The present time, in whole seconds since 1970. */
  readonly created: number;
  /** Never used before with this key: `newNonce()`. */
  readonly nonce: string;
}

/** The headers that a signature adds to a request. */
export interface SignatureHeaders {
  'content-digest'?: string;
  'signature-input': string;
  signature: string;
}

const LABEL = 'sig1';
const NONCE = /^[A-Za-z0-9_+/=-]{22,128}$/;
const KEY_ID = /^[A-Za-z0-9_.-]{1,64}$/;
/** RFC 9421, section 2.5: nothing else may be in a signature base; a line break would pass for another line of it. */
const PRINTABLE = /^[\t\x20-\x7e]*$/;

/** A new nonce: 128 random bits in 22 characters. */
export function newNonce(): string {
  return randomBytes(16).toString('base64url');
}

/**
 * Signs a request (RFC 9421, section 3.1) and returns the headers to add to it. Throws a TypeError when it cannot be
 * signed: a value that is not printable ASCII, or a path, query, nonce, key id or time of the wrong form.
 */
export function signRequest(request: UnsignedRequest): SignatureHeaders {
  const { method, path, query, headers, key, created, nonce, body } = request;
  if (!path.startsWith('/')) throw new TypeError('a path starts with /');
  if (query !== '' && !query.startsWith('?')) throw new TypeError('a query starts with ?');
  if (!NONCE.test(nonce)) throw new TypeError('a nonce has 22 to 128 letters, digits and -_+/=');
  if (!KEY_ID.test(key.keyId)) throw new TypeError('a key id has 1 to 64 letters, digits and ._-');
  if (!Number.isSafeInteger(created) || created < 0) throw new TypeError('created is in whole seconds');
  const digest = body.length > 0 ? { 'content-digest': contentDigest(body) } : {};
  const components: [name: string, value: string][] = [
    ['@method', method],
    ['@path', path],
    // RFC 9421, section 2.2.7: an absent query is the question mark alone.
    ['@query', query === '' ? '?' : query],
    ...Object.entries(digest),
  ];
  for (const name of SIGNED_HEADERS) {
    const value = headers[name];
    if (value !== undefined) components.push([name, value]);
  }
  const names = components.map(([name]) => `"${name}"`).join(' ');
  // Neither a nonce, nor a key id, nor the name of an algorithm has a character that RFC 9651 requires to be escaped.
  const params = `(${names});created=${created};nonce="${nonce}";keyid="${key.keyId}";alg="${key.kind}"`;
  const signature = signBase(signatureBase(components, params), key).toString('base64');
  return { ...digest, 'signature-input': `${LABEL}=${params}`, signature: `${LABEL}=:${signature}:` };
}

/** Content-Digest of a body (RFC 9530, section 2). */
function contentDigest(body: Uint8Array): string {
  return `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
}

/** The signature base (RFC 9421, section 2.5): a line for each component, then the signature's own parameters. */
function signatureBase(components: readonly [name: string, value: string][], params: string): string {
  const lines = components.map(([name, value]) => {
    if (!PRINTABLE.test(value)) throw new TypeError('only printable ASCII can be signed');
    // Section 2.1: a header's value is covered without the whitespace around it.
    return `"${name}": ${value.trim()}\n`;
  });
  return `${lines.join('')}"@signature-params": ${params}`;
}

/** The key's signature of a signature base (RFC 9421, sections 3.3.3 and 3.3.6). */
export function signBase(base: string, key: SigningKey): Buffer {
  return key.kind === 'ed25519'
    ? sign(null, Buffer.from(base, 'latin1'), key.privateKey)
    : createHmac('sha256', key.secret).update(base, 'latin1').digest();
}
