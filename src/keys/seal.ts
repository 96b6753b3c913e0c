// Seals secrets for the database: AES-256-GCM under a key-encryption key that only configuration has.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { InvariantError } from '../domain/error-fields.ts';

/** A key-encryption key. */
export interface SealingKey {
  /** Names it in what it sealed, so that it can be found again after it was replaced. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** The key-encryption keys: the first one seals, all of them open. */
export type SealingKeys = readonly [SealingKey, ...SealingKey[]];

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Seals a secret for an owner. Moved to another owner's row it cannot be opened. */
export function seal([current]: SealingKeys, owner: string, secret: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', current.key, nonce).setAAD(Buffer.from(owner));
  const sealed = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `${current.id}:${sealed.toString('base64')}`;
}

/** Opens what seal() made. Throws an Error, which says nothing of the secret, when the key is gone or it was altered. */
export function open(keys: SealingKeys, owner: string, sealed: string): string {
  const [id, text = ''] = sealed.split(':');
  const found = keys.find((key) => key.id === id);
  if (!found) throw new InvariantError(`the key-encryption key ${id} is not configured`);
  const bytes = Buffer.from(text, 'base64');
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const tag = bytes.subarray(bytes.length - TAG_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', found.key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(owner)).setAuthTag(tag);
  const opened = [decipher.update(bytes.subarray(NONCE_BYTES, bytes.length - TAG_BYTES)), decipher.final()];
  return Buffer.concat(opened).toString('utf8');
}

/** Whether another key-encryption key has taken over since this was sealed. */
export function isSealedByOld([current]: SealingKeys, sealed: string): boolean {
  return !sealed.startsWith(`${current.id}:`);
}
