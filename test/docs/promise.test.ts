// What idempotency keys promise is said in one way, wherever it is said.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { adviceFor } from '../../src/domain/advice.ts';
import { IDEMPOTENCY_PROMISE } from '../../src/domain/promise.ts';
import { REASONS } from '../../src/domain/reasons.ts';

const PAGES = [
  'README.md',
  'ARCHITECTURE.md',
  'docs/internals/ledger.md',
  'docs/errors.md',
  'docs/signing.md',
  'proto/ppuri/options/v1/options.proto',
  'gen/openapi/wallet.v1.json',
  'gen/openapi/wallet.v2.json',
];

for (const page of PAGES) {
  test(`${page} makes the promise in the same words`, () => {
    const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
    // Comments of the contracts go on from line to line.
    const words = text.replace(/\s*\n\s*(\/\/)?\s*/g, ' ');
    assert.ok(words.includes(IDEMPOTENCY_PROMISE));
    assert.doesNotMatch(words, /A refusal is not kept\.|gets the same answer, for good \|/);
  });
}

test('NONCE_REUSED says in every language that the first call may have been executed', () => {
  const { en, ko } = REASONS.NONCE_REUSED;
  for (const words of [en, ko, adviceFor('NONCE_REUSED')]) assert.match(words, /GetOutcome/);
  assert.match(en, /may have been done/);
  assert.match(ko, /처리되었을 수/);
});
