// Patterns of validation rules, translated for JSON Schema.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ecmaPattern } from '../../scripts/contracts/openapi/pattern.ts';

const translated: readonly (readonly [string, string])[] = [
  ['^[A-Za-z0-9_-]{1,64}$', '^[A-Za-z0-9_-]{1,64}$'],
  ['^\\P{Cc}*$', '^[^\\u0000-\\u001f\\u007f-\\u009f]*$'],
  ['\\p{Cc}', '[\\u0000-\\u001f\\u007f-\\u009f]'],
  ['[^\\p{Cc}]', '[^\\u0000-\\u001f\\u007f-\\u009f]'],
  ['\\pL\\p{^Lu}', '\\p{L}\\P{Lu}'],
  ['\\A[[:alpha:]_]+\\z', '^[A-Za-z_]+$'],
  ['\\-\\_\\"\\.[\\-.]\\d', '-_"\\.[\\-.]\\d'],
  ['a.b', 'a[^\\n]b'],
  ['[\u200b-\u200f\u{e0000}]', '[\\u200b-\\u200f\u{e0000}]'],
  ['^(?:ab|c)$', '^(?:ab|c)$'],
];

for (const [re2, ecma] of translated) {
  it(`translates ${re2}`, () => {
    assert.equal(ecmaPattern(re2), ecma);
  });
}

it('refuses what JSON Schema has no place for', () => {
  for (const pattern of ['(?i)abc', '\\Qa.b\\E', '[[:cntrl:]]', '\\x{10FFFF}']) {
    assert.throws(() => ecmaPattern(pattern), pattern);
  }
});
