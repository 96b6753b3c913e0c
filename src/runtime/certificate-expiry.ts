// When certificates expire.
import { X509Certificate } from 'node:crypto';

const BLOCKS = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** When the first of the certificates in a PEM file expires, in milliseconds since 1970. Throws for what is no certificate. */
export function certificateExpiry(pem: Buffer): number {
  const ends = [...pem.toString('latin1').matchAll(BLOCKS)].map(([block]) =>
    new X509Certificate(block).validToDate.getTime(),
  );
  return Math.min(...ends);
}
