// Content-Digest (RFC 9530): what ties a request's body to its signature.
import { hash, timingSafeEqual } from 'node:crypto';

const SHA256_OF_NOTHING = hash('sha256', '', 'buffer');

/** The SHA-256 of a body's bytes: 32 bytes. */
export function sha256Of(body: Uint8Array): Buffer {
  return body.length === 0 ? SHA256_OF_NOTHING : hash('sha256', body, 'buffer');
}

/** Whether there is a body, going by its SHA-256. What is not a SHA-256 at all counts as a body, which then fails. */
export function isBody(bodySha256: Uint8Array): boolean {
  return !SHA256_OF_NOTHING.equals(bodySha256);
}

/** The header for a body with this SHA-256: `sha-256=:…:` (RFC 9530, section 2). */
export function contentDigestOf(bodySha256: Uint8Array): string {
  return `sha-256=:${Buffer.from(bodySha256).toString('base64')}:`;
}

/**
 * Whether a Content-Digest header is the one for a body with this SHA-256, compared in a time that does not tell where
 * it differs. A sha-256 alone has one way to be written (RFC 9651, section 4.1), so there is nothing to parse. RFC 9530
 * allows other digests beside it, but one that nobody checks is one that two readers can take for different bodies.
 */
export function isContentDigestOf(field: string, bodySha256: Uint8Array): boolean {
  const expected = Buffer.from(contentDigestOf(bodySha256));
  const received = Buffer.from(field);
  return (
    bodySha256.length === 32 && received.length === expected.length && timingSafeEqual(received, expected)
  );
}
