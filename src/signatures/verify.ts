// Checks a signature with the key that is said to have made it.
import {
  createHmac,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import type { ParsedSignature } from './parse-signature.ts';
import type { Algorithm } from './profile.ts';

/** A key as the one who checks has it. */
export type VerifyingKey =
  | { readonly kind: 'hmac-sha256'; readonly secret: Uint8Array }
  | { readonly kind: 'ed25519'; readonly publicKey: KeyObject };

/** Keys that nobody has, to check with where there is no fitting one. */
const DUMMY_KEYS: Readonly<Record<Algorithm, VerifyingKey>> = {
  'hmac-sha256': { kind: 'hmac-sha256', secret: randomBytes(32) },
  ed25519: { kind: 'ed25519', publicKey: generateKeyPairSync('ed25519').publicKey },
};

/**
 * Whether the key made the signature. Pass undefined where the key is not known.
 *
 * The key's kind must be the one that the request names, and never follows it (RFC 9421, section 3.2). Where there is
 * no key, or one of another kind, the answer is no after the same work as for a wrong signature: how long it takes
 * depends on the request alone, and does not tell which keys there are.
 */
export function verifySignature(parsed: ParsedSignature, key: VerifyingKey | undefined): boolean {
  const isFitting = key?.kind === parsed.alg;
  const isRight = isSignatureOf(parsed.base, parsed.signature, isFitting ? key : DUMMY_KEYS[parsed.alg]);
  return isFitting && isRight;
}

/** Whether these bytes are the key's signature of a signature base (RFC 9421, sections 3.3.3 and 3.3.6). */
export function isSignatureOf(base: string, signature: Uint8Array, key: VerifyingKey): boolean {
  if (key.kind === 'ed25519') return verify(null, Buffer.from(base, 'latin1'), key.publicKey, signature);
  const expected = createHmac('sha256', key.secret).update(base, 'latin1').digest();
  return signature.length === expected.length && timingSafeEqual(signature, expected);
}
