// The kind of the key decides, not the algorithm that the request names; unknown keys reveal nothing.
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import { type SigningKey, signBase, signRequest } from '../../clients/typescript/src/signature.ts';
import {
  type ParsedSignature,
  parseSignature,
  type VerifyingKey,
  verifySignature,
} from '../../src/signatures/index.ts';
import { isSignatureOf } from '../../src/signatures/verify.ts';
import {
  counterpartOf,
  ED25519_KEY,
  HMAC_KEY,
  isAccepted,
  receive,
  signAndReceive,
  TRANSFER,
} from './signed-requests.ts';

test('another key of the same kind is refused', () => {
  const other: SigningKey = { ...HMAC_KEY, kind: 'hmac-sha256', secret: Buffer.from('another secret') };
  assert.ok(isAccepted(signAndReceive(TRANSFER), counterpartOf(HMAC_KEY)));
  assert.equal(isAccepted(signAndReceive(TRANSFER), counterpartOf(other)), false);
});

test('the request does not choose the algorithm', () => {
  assert.ok(ED25519_KEY.kind === 'ed25519');
  const publicKey = createPublicKey(ED25519_KEY.privateKey);
  const [publicBytes, publicPem] = [
    publicKey.export({ format: 'der', type: 'spki' }),
    Buffer.from(publicKey.export({ format: 'pem', type: 'spki' })),
  ];
  // A server that trusts the stated algorithm would use the public key as the HMAC secret.
  for (const secret of [publicBytes, publicBytes.subarray(-32), publicPem]) {
    const forged = signAndReceive({
      ...TRANSFER,
      key: { keyId: ED25519_KEY.keyId, kind: 'hmac-sha256', secret },
    });
    assert.equal(isAccepted(forged, counterpartOf(ED25519_KEY)), false);
  }
  for (const key of [HMAC_KEY, ED25519_KEY]) {
    const signed = signRequest({ ...TRANSFER, key });
    const other = key.kind === 'ed25519' ? 'hmac-sha256' : 'ed25519';
    const input = signed['signature-input'].replace(`alg="${key.kind}"`, `alg="${other}"`);
    const renamed = receive(TRANSFER, { ...signed, 'signature-input': input });
    assert.ok(!('fault' in parseSignature(renamed)));
    assert.equal(isAccepted(renamed, counterpartOf(key)), false);
  }
});

test('a valid signature under the name of another algorithm is refused', () => {
  for (const key of [HMAC_KEY, ED25519_KEY]) {
    const parsed = parseSignature(signAndReceive({ ...TRANSFER, key }));
    assert.ok(!('fault' in parsed));
    const alg = key.kind === 'ed25519' ? 'hmac-sha256' : 'ed25519';
    const base = parsed.base.replace(`alg="${key.kind}"`, `alg="${alg}"`);
    const renamed: ParsedSignature = { ...parsed, alg, base, signature: signBase(base, key) };
    assert.ok(isSignatureOf(base, renamed.signature, counterpartOf(key)));
    assert.equal(verifySignature(renamed, counterpartOf(key)), false);
  }
});

test('an unknown key is refused, however the request is signed', () => {
  for (const key of [HMAC_KEY, ED25519_KEY])
    assert.equal(isAccepted(signAndReceive({ ...TRANSFER, key }), undefined), false);
});

test('an unknown key, or one of another kind, takes as long as a wrong signature', () => {
  for (const key of [HMAC_KEY, ED25519_KEY]) {
    const other = key === HMAC_KEY ? ED25519_KEY : HMAC_KEY;
    const parsed = parseSignature(signAndReceive({ ...TRANSFER, key }));
    assert.ok(!('fault' in parsed));
    const wrong = { ...parsed, base: `${parsed.base} ` };
    const keys = [counterpartOf(key), undefined, counterpartOf(other)];
    const [known = 0, unknown = 0, otherKind = 0] = fastestOf(wrong, keys);
    // A check that gave up early would be done in a hundredth of it, so half leaves room for a busy machine.
    assert.ok(unknown > known / 2, `${key.kind}: an unknown key shows`);
    assert.ok(otherKind > known / 2, `${key.kind}: a key of another kind shows`);
  }
});

/**
 * The shortest of many tries with each key, in nanoseconds: what else the machine does only makes it longer. The keys take
 * turns, because code gets faster while it is used.
 */
function fastestOf(parsed: ParsedSignature, keys: readonly (VerifyingKey | undefined)[]): number[] {
  const fastest = keys.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < 500; round++) {
    for (const [index, key] of keys.entries()) {
      const start = process.hrtime.bigint();
      assert.equal(verifySignature(parsed, key), false);
      fastest[index] = Math.min(fastest[index] as number, Number(process.hrtime.bigint() - start));
    }
  }
  return fastest;
}
