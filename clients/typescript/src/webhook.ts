// Verifies what a webhook receives, after the Standard Webhooks specification: who sent it, and that it is not an old one.
import { createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto';

/** An event as a webhook receives it: CloudEvents 1.0 in JSON. */
export interface WebhookEvent {
  readonly specversion: string;
  /** The same however often the event is sent: a receiver that has seen it has nothing to do. */
  readonly id: string;
  readonly source: string;
  /** Such as `transfer.posted`. */
  readonly type: string;
  readonly subject?: string;
  readonly time?: string;
  readonly data?: unknown;
  readonly [attribute: string]: unknown;
}

/** Thrown for what was not sent by ppuri, or not just now. Answer with a status of 4xx, and do nothing else. */
export class WebhookVerificationError extends Error {
  override name = 'WebhookVerificationError';
}

/** Headers of a request, of node:http or of fetch. */
export type WebhookHeaders =
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | { get(name: string): string | null };

/** What is not the default. */
export interface VerifyOptions {
  /** How old, or how far ahead, the timestamp may be, in milliseconds; 5 minutes when left out. */
  readonly toleranceMs?: number;
  /** The present, in milliseconds since 1970. */
  readonly now?: number;
}

const TOLERANCE_MS = 5 * 60_000;
/** A rotation has four signatures. */
const MOST_SIGNATURES = 32;
const SECRET = /^whsec_([A-Za-z0-9+/]{32,88}={0,2})$/;
const PUBLIC_KEY = /^whpk_([A-Za-z0-9+/]{43}=)$/;
/** SubjectPublicKeyInfo of an Ed25519 key, before its 32 bytes (RFC 8410). */
const ED25519_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** Whether a signature of one scheme is right. */
type Check = { readonly scheme: string; readonly isRight: (signature: Buffer, content: Buffer) => boolean };

/**
 * Returns the event of a request to a webhook. Throws a WebhookVerificationError where a header is missing or malformed, where
 * the timestamp is more than 5 minutes old or ahead, and where no signature is right.
 *
 * @param body The body as it was received; parsed and printed again it would be another one.
 * @param keys The secret `whsec_…` or the public key `whpk_…` of the webhook; several while one is being replaced. It is enough
 *   that one signature is right for one of them.
 */
export function verifyWebhook(
  headers: WebhookHeaders,
  body: string | Uint8Array,
  keys: string | readonly string[],
  { toleranceMs = TOLERANCE_MS, now = Date.now() }: VerifyOptions = {},
): WebhookEvent {
  const checks = [keys].flat().map(checkOf);
  const id = header(headers, 'webhook-id');
  const timestamp = header(headers, 'webhook-timestamp');
  const signatures = header(headers, 'webhook-signature').split(' ').slice(0, MOST_SIGNATURES);
  if (!/^\d{1,12}$/.test(timestamp)) throw new WebhookVerificationError('webhook-timestamp is malformed');
  if (Math.abs(now - Number(timestamp) * 1000) > toleranceMs)
    throw new WebhookVerificationError('webhook-timestamp is too old or ahead');
  const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), Buffer.from(body)]);
  // All are checked, so that the time does not say which one was right.
  const right = signatures.filter((signature) => isRight(checks, signature, content));
  if (right.length === 0) throw new WebhookVerificationError('no signature is right');
  return parse(Buffer.from(body).toString('utf8'));
}

function isRight(checks: readonly Check[], signature: string, content: Buffer): boolean {
  const [scheme = '', encoded = '', ...more] = signature.split(',');
  if (more.length > 0) return false;
  const bytes = Buffer.from(encoded, 'base64');
  return checks.filter((check) => check.scheme === scheme && check.isRight(bytes, content)).length > 0;
}

function checkOf(key: string): Check {
  const [, secret] = SECRET.exec(key) ?? [];
  if (secret !== undefined) {
    const hmacKey = Buffer.from(secret, 'base64');
    return {
      scheme: 'v1',
      isRight: (signature, content) => {
        const expected = createHmac('sha256', hmacKey).update(content).digest();
        return signature.length === expected.length && timingSafeEqual(signature, expected);
      },
    };
  }
  const [, encoded] = PUBLIC_KEY.exec(key) ?? [];
  // The caller's own mistake, and not one of the request.
  if (encoded === undefined) throw new TypeError('a key of a webhook begins with whsec_ or whpk_');
  const der = Buffer.concat([ED25519_PREFIX, Buffer.from(encoded, 'base64')]);
  const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return { scheme: 'v1a', isRight: (signature, content) => verify(null, content, publicKey, signature) };
}

function header(headers: WebhookHeaders, name: string): string {
  const value =
    typeof headers.get === 'function'
      ? headers.get(name)
      : (headers as Readonly<Record<string, string | readonly string[] | undefined>>)[name];
  if (typeof value !== 'string' || value === '')
    throw new WebhookVerificationError(`${name} is missing, or there several times`);
  return value;
}

function parse(text: string): WebhookEvent {
  try {
    const event: unknown = JSON.parse(text);
    if (typeof event === 'object' && event !== null && 'id' in event) return event as WebhookEvent;
  } catch {
    // The signer's own words are no use to the caller.
  }
  throw new WebhookVerificationError('the body is no event');
}
