// The test vectors of RFC 9421 and RFC 9530.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isInnerList } from 'structured-headers';
import { signBase } from '../../clients/typescript/src/signature.ts';
import { contentDigestOf, isContentDigestOf, sha256Of } from '../../src/signatures/content-digest.ts';
import { lineOf, signatureBaseOf } from '../../src/signatures/signature-base.ts';
import { readSoleMember } from '../../src/signatures/sole-member.ts';
import { isSignatureOf } from '../../src/signatures/verify.ts';
import { VECTORS } from './rfc-vectors.ts';

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

function bytesOf(signature: string): Uint8Array {
  const bytes = readSoleMember(signature, 256)?.value[0];
  assert.ok(bytes instanceof ArrayBuffer);
  return new Uint8Array(bytes);
}

for (const { name, signing, verifying, input, base, signature } of VECTORS) {
  test(`${name}: the base, its signature, and that it verifies`, () => {
    const member = readSoleMember(input, 1024);
    assert.ok(member !== undefined && isInnerList(member.value));
    const lines = member.value[0].map(([component]) => lineOf(`${component}`, VALUES[`${component}`] ?? ''));
    assert.equal(signatureBaseOf(lines.join(''), member.text), base);
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
