// The test vectors of RFC 9421 and RFC 9530.
import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import { isInnerList } from 'structured-headers';
import { type SigningKey, signBase } from '../../clients/typescript/src/signature.ts';
import { contentDigestOf, isContentDigestOf, sha256Of } from '../../src/signatures/content-digest.ts';
import { signatureBaseOf } from '../../src/signatures/signature-base.ts';
import { readSoleMember } from '../../src/signatures/sole-member.ts';
import { isSignatureOf, type VerifyingKey } from '../../src/signatures/verify.ts';

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

/** The request of appendix B.2, as far as the signatures below cover it. */
const VALUES: Readonly<Record<string, string>> = {
  date: 'Tue, 20 Apr 2021 02:07:55 GMT',
  '@method': 'POST',
  '@path': '/foo',
  '@query': '?param=Value&Pet=dog',
  '@authority': 'example.com',
  'content-type': 'application/json',
  'content-length': '18',
};

interface Vector {
  readonly name: string;
  readonly signing: SigningKey;
  readonly verifying: VerifyingKey;
  readonly input: string;
  readonly base: string;
  readonly signature: string;
}

const VECTORS: readonly Vector[] = [
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

function bytesOf(signature: string): Uint8Array {
  const bytes = readSoleMember(signature, 256)?.value[0];
  assert.ok(bytes instanceof ArrayBuffer);
  return new Uint8Array(bytes);
}

for (const { name, signing, verifying, input, base, signature } of VECTORS) {
  test(`${name}: the base, its signature, and that it verifies`, () => {
    const member = readSoleMember(input, 1024);
    assert.ok(member !== undefined && isInnerList(member.value));
    const lines = member.value[0].map(
      ([component]) => [`${component}`, VALUES[`${component}`] ?? ''] as const,
    );
    assert.equal(signatureBaseOf(lines, member.text), base);
    // Both algorithms always make the same signature of the same base, so this is equality to the byte.
    assert.equal(`${member.label}=:${signBase(base, signing).toString('base64')}:`, signature);
    assert.ok(isSignatureOf(base, bytesOf(signature), verifying));
  });

  test(`${name}: refused with any bit of it altered`, () => {
    const bytes = bytesOf(signature);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const altered = Uint8Array.from(bytes);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(isSignatureOf(base, altered, verifying), false);
    }
    assert.equal(isSignatureOf(base, bytes.subarray(1), verifying), false);
    assert.equal(isSignatureOf(base, new Uint8Array(), verifying), false);
    assert.equal(isSignatureOf(`${base} `, bytes, verifying), false);
  });
}

test('RFC 9530, appendices B.1 and B.2: the digests of a body and of none', () => {
  const body = Buffer.from('{"hello": "world"}\n');
  const digest = 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:';
  assert.equal(contentDigestOf(sha256Of(body)), digest);
  assert.ok(isContentDigestOf(digest, sha256Of(body)));
  assert.equal(
    contentDigestOf(sha256Of(Buffer.alloc(0))),
    'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:',
  );
});
