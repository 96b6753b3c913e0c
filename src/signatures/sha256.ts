// SHA-256 and HMAC-SHA-256 of short texts, for every call.
//
// node:crypto's createHmac makes a stream, a native object and a buffer outside of the heap each time, and `hash` to a buffer
// makes the last of these: more work than the hashing itself, and more for the garbage collector. A one-shot hash to a string
// makes none.
import { hash } from 'node:crypto';

/** The block of SHA-256 in bytes (FIPS 180-4), to which HMAC pads its key. */
const BLOCK = 64;
const DIGEST = 32;

/** The SHA-256 of bytes or of a text in UTF-8: 32 bytes. */
export function sha256(data: Uint8Array | string): Buffer {
  return Buffer.from(hash('sha256', data, 'binary'), 'binary');
}

/** HMAC-SHA-256 (RFC 2104) of a text in UTF-8: 32 bytes. */
export function hmacSha256(secret: Uint8Array, text: string): Buffer {
  const key = secret.length > BLOCK ? sha256(secret) : secret;
  const inner = Buffer.allocUnsafe(BLOCK + Buffer.byteLength(text));
  const outer = Buffer.allocUnsafe(BLOCK + DIGEST);
  // Over the whole block, whatever the length of the key.
  for (let index = 0; index < BLOCK; index++) {
    const byte = key[index] ?? 0;
    inner[index] = 0x36 ^ byte;
    outer[index] = 0x5c ^ byte;
  }
  inner.write(text, BLOCK);
  outer.write(hash('sha256', inner, 'binary'), BLOCK, 'binary');
  const mac = sha256(outer);
  // Other buffers get this memory next.
  inner.fill(0, 0, BLOCK);
  outer.fill(0, 0, BLOCK);
  return mac;
}
