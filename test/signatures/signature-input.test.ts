// The fast parser of Signature-Input agrees with the parser of structured fields on every input that it accepts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { signRequest } from '../../clients/typescript/src/signature.ts';
import { readPlain, readStructured } from '../../src/signatures/signature-input.ts';
import { TRANSFER } from './signed-requests.ts';

const INPUT = signRequest(TRANSFER)['signature-input'];

/** Pieces that headers of this kind are made of, and some that break them. */
const PIECES =
  'sig1 * = ( ) " ; , \\ : ? - + . / _ @ 0 1 17 017 1.0 999999999999999 9999999999999999 a A é () "" "a" "@path" "x;req" created nonce keyid alg ;a=1 ;a="b" ;a ;a=?1 ;a=-0'
    .split(' ')
    .concat(' ', '  ', '\t', '\n');
const piece = fc.constantFrom(...PIECES);

const made = fc
  .record({
    label: fc.constantFrom('sig1', 'a', '*', 'a.b-c*_0', 'A', '1', ''),
    covered: fc.array(
      fc.constantFrom('"@method"', '"x-user-id"', '"a"', '"a" ', 'a', '"a";req', '""', '"A"'),
    ),
    parameters: fc.array(
      fc.tuple(
        fc.constantFrom('created', 'nonce', 'keyid', 'alg', 'tag', 'constructor', 'a-b', 'A', ''),
        fc.constantFrom(
          '1',
          '0',
          '-1',
          '007',
          '999999999999999',
          '"x"',
          '""',
          '"a=b"',
          '"a b"',
          '"\\""',
          ':YQ==:',
          'x',
        ),
      ),
    ),
  })
  .map(
    ({ label, covered, parameters }) =>
      `${label}=(${covered.join(' ')})${parameters.map(([name, value]) => `;${name}=${value}`).join('')}`,
  );

/** What our signer writes, with pieces put in and cut out. */
const altered = fc
  .array(fc.tuple(fc.nat({ max: INPUT.length }), fc.nat({ max: 3 }), piece), { maxLength: 3 })
  .map((changes) =>
    changes.reduce((text, [at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut), INPUT),
  );

const field = fc.oneof(
  made,
  altered,
  fc.array(piece).map((pieces) => pieces.join('')),
);

test('the fast parser and the full one agree', () => {
  let quick = 0;
  fc.assert(
    fc.property(field, (text) => {
      const plain = readPlain(text);
      if (plain === undefined) return;
      quick += 1;
      assert.deepEqual(plain, readStructured(text));
    }),
    { numRuns: 5_000 },
  );
  assert.ok(quick > 200, `only ${quick} were read the quick way`);
});

test('the fast parser reads what our client writes', () => {
  assert.ok(readPlain(INPUT));
});

test('parameters that our profile does not have are not passed over', () => {
  for (const name of ['tag', 'expires', 'constructor']) {
    assert.equal(readStructured(`${INPUT};${name}=1`)?.parameters, undefined, name);
    assert.equal(readPlain(`${INPUT};${name}=1`), undefined, name);
  }
});
