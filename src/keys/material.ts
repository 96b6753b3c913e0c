// What a key signs with: drawn, read and checked.
import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import { refuseField } from '../domain/refusal.ts';

/** A new secret: 256 random bits, as text whose UTF-8 bytes are the HMAC key. */
export function drawSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Reads an Ed25519 public key in PEM. Refuses INVALID_FIELD for anything else, a private key above all. */
export function readPublicKey(pem: string, field: string): KeyObject {
  const words = {
    en: 'must be an Ed25519 public key in PEM (BEGIN PUBLIC KEY)',
    ko: 'PEM 형식의 Ed25519 공개 키(BEGIN PUBLIC KEY)여야 합니다',
  };
  // createPublicKey would accept a private key and use its public part; a caller that sends one must learn of the mistake.
  if (!pem.includes('BEGIN PUBLIC KEY')) throw refuseField('INVALID_FIELD', field, words);
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // The parser's message is about ASN.1 and does not help the caller.
  }
  throw refuseField('INVALID_FIELD', field, words);
}
