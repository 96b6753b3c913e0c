// One receipt, checked offline: it is accepted as it is, and refused with any bit changed.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { MOST_RECEIPT_BYTES, verifyReceipt } from '../../scripts/verify/receipt.ts';
import { parseVerifier, verifierText } from '../../src/transparency/index.ts';
import { makeReceipt, NAME } from './receipts.ts';

const { receipt, verifier } = makeReceipt({ leaf: 5, size: 11 });
const verifiers = [parseVerifier(verifier) ?? assert.fail()];
const refuses = (json: string, why: RegExp) => assert.throws(() => verifyReceipt(json, verifiers), why);
const changed = (change: object) => JSON.stringify({ receipt: { ...receipt, ...change } });

test('a receipt is verified as REST answers it, as clients print it, and without its sides', () => {
  const { fields, sides, checkpoint } = verifyReceipt(JSON.stringify({ receipt }), verifiers);
  assert.equal(fields.amount, 5000n);
  assert.deepEqual(sides, [{ party: 'debit', userId: 1001n, walletId: receipt.sides[0]?.wallet_id }]);
  assert.equal(checkpoint.size, 11);
  const { leaf_index: leafIndex, inclusion_proof: inclusionProof, sides: _, ...rest } = receipt;
  verifyReceipt(JSON.stringify({ ...rest, leafIndex: Number(leafIndex), inclusionProof }), verifiers);
});

test('a receipt with any one bit changed is refused', () => {
  const bytes = Buffer.from(JSON.stringify({ receipt }));
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(
      () => verifyReceipt(flipped.toString('utf8'), verifiers),
      /not valid/,
      `byte ${bit >> 3}, bit ${bit & 7}`,
    );
  }
});

test('hostile JSON is refused with a reason', () => {
  refuses('', /not JSON/);
  refuses('['.repeat(60_000), /not JSON/);
  refuses(' '.repeat(MOST_RECEIPT_BYTES + 1), /larger/);
  for (const value of ['null', '1', '[]', '"x"', '{"receipt":null}']) refuses(value, /not an object/);
  refuses(changed({ extra: 1 }), /unknown field "extra"/);
  refuses(changed({ leafIndex: '5' }), /leaf_index twice/);
  refuses('{"__proto__":{"leaf":"x"}}', /unknown field/);
  for (const leaf of [undefined, 5, {}, [], `${receipt.leaf}\n`, receipt.leaf.replace('5000', '05000')])
    refuses(changed({ leaf }), /leaf is not/);
  for (const leaf_index of ['6', '-5', '5.0', 1e300, '9'.repeat(400), null, {}])
    refuses(changed({ leaf_index }), /leaf_index is not/);
  for (const inclusion_proof of [
    {},
    'x',
    Array(65).fill(''),
    ['AA=='],
    [5],
    receipt.inclusion_proof.slice(1),
  ])
    refuses(changed({ inclusion_proof }), /proof/);
  const [side] = receipt.sides;
  for (const sides of [[side, side], [side, side, side], [5], [{ ...side, party: 'toString' }]])
    refuses(changed({ sides }), /side|object/);
  for (const checkpoint of ['', '\n\n', 'x'.repeat(20_000), receipt.checkpoint.replace('— ', '- '), 5])
    refuses(changed({ checkpoint }), /checkpoint/);
});

test('a checkpoint is refused from another key, of the same name too, and with a wrong signature beside a right one', () => {
  const other = makeReceipt({ leaf: 5, size: 11 });
  refuses(JSON.stringify(other.receipt), /no known key/);
  refuses(changed({ checkpoint: other.receipt.checkpoint }), /no known key/);
  const signature = receipt.checkpoint.split('\n\n')[1] ?? '';
  const wrong = signature.replace(/..(?=\n)/, (end) => (end === 'AA' ? 'BB' : 'AA'));
  refuses(changed({ checkpoint: receipt.checkpoint + wrong }), /wrong|malformed/);
  // Both keys sign while one is replaced; who has either is content.
  const both = receipt.checkpoint + (other.receipt.checkpoint.split('\n\n')[1] ?? '');
  verifyReceipt(changed({ checkpoint: both }), verifiers);
});

test('a public key is read only as it is printed', () => {
  const { publicKey } = generateKeyPairSync('ed25519');
  const text = verifierText(NAME, publicKey);
  assert.ok(parseVerifier(text));
  for (const wrong of [
    text.replace(NAME, 'other'),
    text.slice(0, -1),
    `${text}\n`,
    '',
    '+++',
    `${NAME}+00000000+AA==`,
  ])
    assert.equal(parseVerifier(wrong), undefined, wrong);
});
