// Our SHA-256 and HMAC-SHA-256 give what node:crypto gives.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { hmacSha256, sha256 } from '../../src/signatures/sha256.ts';

const text = fc.string({ unit: 'binary', maxLength: 2000 });

test('the hash of bytes and of texts is that of node:crypto', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), text, (bytes, words) => {
      assert.deepEqual(sha256(bytes), createHash('sha256').update(bytes).digest());
      assert.deepEqual(sha256(words), createHash('sha256').update(words, 'utf8').digest());
    }),
    { numRuns: 500 },
  );
});

test('the HMAC is that of node:crypto, for keys of every length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), text, (key, words) => {
      assert.deepEqual(hmacSha256(key, words), createHmac('sha256', key).update(words, 'utf8').digest());
    }),
    { numRuns: 1000 },
  );
});

test('the vectors of RFC 4231 hold', () => {
  const vectors = [
    [Buffer.alloc(20, 0x0b), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [
      Buffer.from('Jefe'),
      'what do ya want for nothing?',
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    [
      Buffer.alloc(131, 0xaa),
      'Test Using Larger Than Block-Size Key - Hash Key First',
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
  ] as const;
  for (const [key, words, expected] of vectors)
    assert.equal(hmacSha256(key, words).toString('hex'), expected);
});
