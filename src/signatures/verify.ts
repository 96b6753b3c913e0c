// Verifies a signature with the key that it names.
import { generateKeyPairSync, type KeyObject, randomBytes, timingSafeEqual, verify } from 'node:crypto';
import type { ParsedSignature } from './parse-signature.ts';
import type { Algorithm } from './profile.ts';
import { hmacSha256 } from './sha256.ts';

/** A key for verifying. */
export type VerifyingKey =
  | { readonly kind: 'hmac-sha256'; readonly secret: Uint8Array }
  | { readonly kind: 'ed25519'; readonly publicKey: KeyObject };

/** Random keys, to verify with where the named key does not exist or is of another kind. */
const DUMMY_KEYS: Readonly<Record<Algorithm, VerifyingKey>> = {
  'hmac-sha256': { kind: 'hmac-sha256', secret: randomBytes(32) },
  ed25519: { kind: 'ed25519', publicKey: generateKeyPairSync('ed25519').publicKey },
};

/**
 * Whether the key made the signature. Pass undefined for an unknown key.
 *
 * The algorithm that the request names must be that of the key (RFC 9421, section 3.2). Without a key of that kind the
 * answer is false after the same work as for a wrong signature: the time depends on the request alone, and does not reveal
 * which keys exist.
 */
export function verifySignature(parsed: ParsedSignature, key: VerifyingKey | undefined): boolean {
  const isFitting = key?.kind === parsed.alg;
  const isRight = isSignatureOf(parsed.base, parsed.signature, isFitting ? key : DUMMY_KEYS[parsed.alg]);
  return isFitting && isRight;
}

/** Whether these bytes are the key's signature of a signature base (RFC 9421, sections 3.3.3 and 3.3.6). */
export function isSignatureOf(base: string, signature: Uint8Array, key: VerifyingKey): boolean {
  if (key.kind === 'ed25519') return verify(null, Buffer.from(base, 'latin1'), key.publicKey, signature);
  const expected = hmacSha256(key.secret, base);
  return signature.length === expected.length && timingSafeEqual(signature, expected);
}
