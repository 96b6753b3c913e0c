// What a key signs with: drawn, read and checked.
import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import { refuseField } from '../domain/refusal.ts';

/** A new secret: 256 bits by chance, as text whose UTF-8 bytes are the HMAC key. */
export function drawSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Reads an Ed25519 public key in PEM. Refuses INVALID_FIELD when it is none, a private one above all. */
export function readPublicKey(pem: string, field: string): KeyObject {
  const words = {
    en: 'must be an Ed25519 public key in PEM (BEGIN PUBLIC KEY)',
    ko: 'PEM 형식의 Ed25519 공개 키(BEGIN PUBLIC KEY)여야 합니다',
  };
  // A private key would be read too, and its public part taken; who sends one has made a mistake and must learn of it.
  if (!pem.includes('BEGIN PUBLIC KEY')) throw refuseField('INVALID_FIELD', field, words);
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // What the parser says is about ASN.1, not about what the caller did.
  }
  throw refuseField('INVALID_FIELD', field, words);
}
