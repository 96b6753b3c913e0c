// How an entry is written in Redis: its version, when it was written, a seal that only our processes can make, and the text.
import { hkdfSync, timingSafeEqual } from 'node:crypto';
import { hmacSha256 } from '../signatures/index.ts';

/** What an entry holds. */
export interface EntryContent {
  readonly text: string;
  /** In milliseconds since 1970, by the clock of the process that wrote it. */
  readonly writtenAtMs: number;
}

/** Writes and reads entries. */
export interface EntryFormat {
  write(key: string, version: number, text: string): string;
  /** Undefined where none of our processes wrote it, or not for this key. */
  read(key: string, entry: string): EntryContent | undefined;
}

/** 128 bits: too many to guess, and short. */
const SEAL_BYTES = 16;
const ENTRY = /^V(\d+\|(\d+))\|([\w-]{22})\|/;

/** Seals with a key that is derived (HKDF, RFC 5869) from the secret that all processes share. */
export function createSealedFormat(secret: string): EntryFormat {
  const sealKey = Buffer.from(hkdfSync('sha256', secret, '', 'ppuri cache entries', 32));
  return {
    write: (key, version, text) => {
      const head = `${version}|${Date.now()}`;
      return `V${head}|${seal(sealKey, key, head, text).toString('base64url')}|${text}`;
    },
    read: (key, entry) => {
      const [whole, head = '', writtenAtMs, sealed = ''] = ENTRY.exec(entry) ?? [];
      if (whole === undefined) return undefined;
      const text = entry.slice(whole.length);
      const isOurs = timingSafeEqual(seal(sealKey, key, head, text), Buffer.from(sealed, 'base64url'));
      return isOurs ? { text, writtenAtMs: Number(writtenAtMs) } : undefined;
    },
  };
}

/** HMAC-SHA-256 (RFC 2104), truncated. Keys and heads hold no line break, so no two entries are sealed as one text. */
function seal(sealKey: Uint8Array, key: string, head: string, text: string): Buffer {
  return hmacSha256(sealKey, `${key}\n${head}\n${text}`).subarray(0, SEAL_BYTES);
}
