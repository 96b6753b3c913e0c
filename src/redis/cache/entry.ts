// How a copy is written in Redis: its version, a seal that only our processes can make, and the text.
import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';

/** Writes and reads entries. */
export interface EntryFormat {
  write(key: string, version: number, text: string): string;
  /** The text of an entry; undefined where we did not write it, or not for this key. */
  read(key: string, entry: string): string | undefined;
}

/** 128 bits: enough that nobody guesses one, and short. */
const SEAL_BYTES = 16;
const ENTRY = /^V(\d+)\|([\w-]{22})\|/;

/** Seals with a key made from the secret that all processes share. */
export function sealedBy(secret: string): EntryFormat {
  const sealKey = createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', 'ppuri cache entries', 32)));
  return {
    write: (key, version, text) =>
      `V${version}|${seal(sealKey, key, String(version), text).toString('base64url')}|${text}`,
    read: (key, entry) => {
      const [head, version = '', sealed = ''] = ENTRY.exec(entry) ?? [];
      if (head === undefined) return undefined;
      const text = entry.slice(head.length);
      return timingSafeEqual(seal(sealKey, key, version, text), Buffer.from(sealed, 'base64url'))
        ? text
        : undefined;
    },
  };
}

/** HMAC-SHA-256 (RFC 2104), cut down. Keys and versions hold no line break, so no two entries are sealed as one text. */
function seal(sealKey: KeyObject, key: string, version: string, text: string): Buffer {
  return createHmac('sha256', sealKey).update(`${key}\n${version}\n${text}`).digest().subarray(0, SEAL_BYTES);
}
