// The test vectors of RFC 9421, for the code that signs in any language.
import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { SigningKey } from '../../clients/typescript/src/signature.ts';
import type { VerifyingKey } from '../../src/signatures/verify.ts';

/** RFC 9421, appendix B.1.5. */
const SECRET = Buffer.from(
  'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==',
  'base64',
);

/** RFC 9421, appendix B.1.4: the key pair that everybody knows. */
const PRIVATE_KEY = createPrivateKey({
  key: Buffer.from('MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF', 'base64'),
  format: 'der',
  type: 'pkcs8',
});
const PUBLIC_KEY = createPublicKey({
  key: Buffer.from('MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=', 'base64'),
  format: 'der',
  type: 'spki',
});

export interface Vector {
  readonly name: string;
  readonly signing: SigningKey;
  readonly verifying: VerifyingKey;
  readonly input: string;
  readonly base: string;
  readonly signature: string;
}

/** The vectors whose algorithms ppuri knows. */
export const VECTORS: readonly Vector[] = [
  {
    name: 'RFC 9421, B.2.5: hmac-sha256',
    signing: { kind: 'hmac-sha256', keyId: 'test-shared-secret', secret: SECRET },
    verifying: { kind: 'hmac-sha256', secret: SECRET },
    input: 'sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
    base: [
      '"date": Tue, 20 Apr 2021 02:07:55 GMT',
      '"@authority": example.com',
      '"content-type": application/json',
      '"@signature-params": ("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
    ].join('\n'),
    signature: 'sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:',
  },
  {
    name: 'RFC 9421, B.2.6: ed25519',
    signing: { kind: 'ed25519', keyId: 'test-key-ed25519', privateKey: PRIVATE_KEY },
    verifying: { kind: 'ed25519', publicKey: PUBLIC_KEY },
    input:
      'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"',
    base: [
      '"date": Tue, 20 Apr 2021 02:07:55 GMT',
      '"@method": POST',
      '"@path": /foo',
      '"@authority": example.com',
      '"content-type": application/json',
      '"content-length": 18',
      '"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"',
    ].join('\n'),
    signature:
      'sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:',
  },
];
