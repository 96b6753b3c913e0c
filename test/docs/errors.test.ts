// docs/errors.md says what the server answers: it is printed from the same table.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { errorsPage } from '../../scripts/contracts/errors-page.ts';
import { REASONS } from '../../src/domain/reasons.ts';

const PAGE = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');

test('docs/errors.md is what npm run errors prints', () => {
  assert.deepEqual(PAGE.split('\n'), errorsPage().split('\n'));
});

test('every reason has a line', () => {
  for (const reason of Object.keys(REASONS)) assert.ok(PAGE.includes(`| ${reason} |`), reason);
});
