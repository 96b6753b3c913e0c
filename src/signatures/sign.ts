// Signs a request.
import { createHmac, type KeyObject, randomBytes, sign } from 'node:crypto';
import { serializeInnerList } from 'structured-headers';
import { contentDigestOf, sha256Of } from './content-digest.ts';
import { KEY_ID, NONCE, type SignedHeader, type Target } from './profile.ts';
import { componentsOf, signatureBaseOf } from './signature-base.ts';

/** A key as the one who signs has it. */
export type SigningKey =
  | { readonly keyId: string; readonly kind: 'hmac-sha256'; readonly secret: Uint8Array }
  | { readonly keyId: string; readonly kind: 'ed25519'; readonly privateKey: KeyObject };

/** A request that is about to be sent. */
export interface UnsignedRequest extends Target {
  /** Those of these headers that the request will carry, as it will carry them. */
  readonly headers: Readonly<Partial<Record<Exclude<SignedHeader, 'content-digest'>, string>>>;
  /** The body's bytes as they will be sent, over gRPC those of the serialized message; empty when there is none. */
  readonly body: Uint8Array;
  readonly key: SigningKey;
  /** Now, in whole seconds since 1970. */
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

/** A nonce that is never drawn twice: 128 random bits, in 22 characters. */
export function newNonce(): string {
  return randomBytes(16).toString('base64url');
}

/**
 * Signs a request (RFC 9421, section 3.1): makes the headers to add to it. Throws a TypeError when it cannot be signed:
 * a value that is not printable ASCII, or a path, query, nonce, key id or time that is not of its form.
 */
export function signRequest(request: UnsignedRequest): SignatureHeaders {
  const { path, query, key, created, nonce, body } = request;
  if (!path.startsWith('/')) throw new TypeError('a path starts with /');
  if (query !== '' && !query.startsWith('?')) throw new TypeError('a query starts with ?');
  if (!NONCE.test(nonce)) throw new TypeError('a nonce has 22 to 128 letters, digits and -_+/=');
  if (!KEY_ID.test(key.keyId)) throw new TypeError('a key id has 1 to 64 letters, digits and ._-');
  if (!Number.isSafeInteger(created) || created < 0) throw new TypeError('created is in whole seconds');
  const digest = body.length > 0 ? { 'content-digest': contentDigestOf(sha256Of(body)) } : {};
  const components = componentsOf(request, { ...request.headers, ...digest });
  if (components === undefined) throw new TypeError('only printable ASCII can be signed');
  const signatureParams = serializeInnerList([
    [...components.keys()].map((name) => [name, new Map()]),
    new Map<string, string | number>([
      ['created', created],
      ['nonce', nonce],
      ['keyid', key.keyId],
      ['alg', key.kind],
    ]),
  ]);
  const signature = signBase(signatureBaseOf(components, signatureParams), key);
  return {
    ...digest,
    'signature-input': `${LABEL}=${signatureParams}`,
    signature: `${LABEL}=:${signature.toString('base64')}:`,
  };
}

/** The key's signature of a signature base (RFC 9421, sections 3.3.3 and 3.3.6). */
export function signBase(base: string, key: SigningKey): Buffer {
  return key.kind === 'ed25519'
    ? sign(null, Buffer.from(base, 'latin1'), key.privateKey)
    : createHmac('sha256', key.secret).update(base, 'latin1').digest();
}
