// Content-Digest (RFC 9530): binds the body of a request to its signature.
import { timingSafeEqual } from 'node:crypto';
import { sha256 } from './sha256.ts';

const SHA256_OF_NOTHING = sha256('');

/** The SHA-256 of a body's bytes: 32 bytes. */
export function sha256Of(body: Uint8Array): Buffer {
  return body.length === 0 ? SHA256_OF_NOTHING : sha256(body);
}

/** Whether a body with this digest is not empty. Bytes that are no SHA-256 count as a body, which then fails the check. */
export function isBody(bodySha256: Uint8Array): boolean {
  return !SHA256_OF_NOTHING.equals(bodySha256);
}

/** The header for a body with this SHA-256: `sha-256=:…:` (RFC 9530, section 2). */
export function contentDigestOf(bodySha256: Uint8Array): string {
  return `sha-256=:${Buffer.from(bodySha256).toString('base64')}:`;
}

/**
 * Whether a Content-Digest header is that of a body with this SHA-256, compared in constant time. A single sha-256 has one
 * serialization (RFC 9651, section 4.1), so there is nothing to parse. RFC 9530 allows further digests; they are refused,
 * because nothing would check them.
 */
export function isContentDigestOf(field: string, bodySha256: Uint8Array): boolean {
  const expected = Buffer.from(contentDigestOf(bodySha256));
  const received = Buffer.from(field);
  return (
    bodySha256.length === 32 && received.length === expected.length && timingSafeEqual(received, expected)
  );
}
