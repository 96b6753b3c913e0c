// Signs events for a webhook, after the Standard Webhooks specification, and draws and seals what it signs with.
import {
  createHmac,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign as signEd25519,
} from 'node:crypto';
import { open, type SealingKeys, seal } from '../keys/index.ts';

/** What a webhook signs with. */
export interface WebhookKeys {
  /** `whsec_` and 32 bytes in base64. */
  readonly secret: string;
  /** The private key, PKCS #8 in base64. */
  readonly privateKey: string;
}

/** New keys of a webhook, and the public one of them. */
export interface DrawnKeys extends WebhookKeys {
  /** `whpk_` and 32 bytes in base64. */
  readonly publicKey: string;
}

/** A webhook's keys, ready to sign. */
export interface WebhookSigner {
  /** The values of `webhook-signature`, `v1` and `v1a`, for one message. */
  signatures(content: string): string[];
}

const SECRET_PREFIX = 'whsec_';
const PUBLIC_PREFIX = 'whpk_';
const SECRET_BYTES = 32;

/** Draws a secret and a pair of keys. */
export function drawWebhookKeys(): DrawnKeys {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { x = '' } = publicKey.export({ format: 'jwk' });
  return {
    secret: SECRET_PREFIX + randomBytes(SECRET_BYTES).toString('base64'),
    privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
    publicKey: PUBLIC_PREFIX + Buffer.from(x, 'base64url').toString('base64'),
  };
}

/** Seals the keys of a webhook for the database. */
export function sealWebhookKeys(
  sealingKeys: SealingKeys,
  webhookId: string,
  { secret, privateKey }: WebhookKeys,
): string {
  return seal(sealingKeys, webhookId, JSON.stringify([secret, privateKey]));
}

/** Opens sealed keys to sign with. Throws an InvariantError where their key-encryption key is not configured. */
export function openWebhookKeys(sealingKeys: SealingKeys, webhookId: string, sealed: string): WebhookSigner {
  const [secret, privateKey] = JSON.parse(open(sealingKeys, webhookId, sealed)) as [string, string];
  const key = createPrivateKey({ key: Buffer.from(privateKey, 'base64'), format: 'der', type: 'pkcs8' });
  return signerOf(secret, key);
}

/** A signer with a secret `whsec_…` and, where it has one, an Ed25519 private key. */
export function signerOf(secret: string, privateKey?: KeyObject): WebhookSigner {
  const hmacKey = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64');
  return {
    signatures: (content) => {
      const bytes = Buffer.from(content);
      const hmac = `v1,${createHmac('sha256', hmacKey).update(bytes).digest('base64')}`;
      return privateKey ? [hmac, `v1a,${signEd25519(null, bytes, privateKey).toString('base64')}`] : [hmac];
    },
  };
}

/**
 * The headers of one attempt.
 * @param atMs When it is made, in milliseconds since 1970.
 * @param signers The current keys first, then those that they replaced.
 */
export function signedHeaders(
  messageId: string,
  atMs: number,
  body: string,
  signers: readonly WebhookSigner[],
): Record<string, string> {
  const timestamp = String(Math.floor(atMs / 1000));
  const content = `${messageId}.${timestamp}.${body}`;
  return {
    'webhook-id': messageId,
    'webhook-timestamp': timestamp,
    'webhook-signature': signers.flatMap((one) => one.signatures(content)).join(' '),
  };
}
