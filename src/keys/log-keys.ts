// The keys that sign the transparency log: Ed25519, each sealed in the database for the owner that is its id.
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { InvariantError } from '../domain/error-fields.ts';
import { parseVerifier, verifierText } from '../transparency/index.ts';
import { open, type SealingKeys, seal } from './seal.ts';

/** A key as it is stored. */
export interface SealedLogKey {
  /** The id of C2SP signed notes, in hexadecimal. */
  readonly keyId: string;
  readonly name: string;
  /** The public key as verifiers are given it. */
  readonly verifier: string;
  readonly sealedPrivateKey: string;
}

/** A new key of a log with this name. Throws an InvariantError where a name has spaces or a plus sign. */
export function drawLogKey(sealingKeys: SealingKeys, name: string): SealedLogKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const verifier = verifierText(name, publicKey);
  const id = parseVerifier(verifier)?.keyId;
  if (!id) throw new InvariantError(`"${name}" is no name for a log: no spaces and no plus sign`);
  const keyId = Buffer.from(id).toString('hex');
  const secret = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
  return { keyId, name, verifier, sealedPrivateKey: seal(sealingKeys, keyId, secret) };
}

/** The private key of what is stored. Throws an InvariantError where its key-encryption key is gone. */
export function openLogKey(
  sealingKeys: SealingKeys,
  { keyId, sealedPrivateKey }: Pick<SealedLogKey, 'keyId' | 'sealedPrivateKey'>,
): KeyObject {
  const der = Buffer.from(open(sealingKeys, keyId, sealedPrivateKey), 'base64');
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}
