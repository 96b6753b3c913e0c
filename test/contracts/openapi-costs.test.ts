// The OpenAPI documents say what a call takes of the rate limits where that is more than one unit.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

type Paths = Record<string, Record<string, { readonly description?: string }>>;

const pathsOf = (name: string): Paths =>
  JSON.parse(readFileSync(new URL(`../../gen/openapi/${name}.json`, import.meta.url), 'utf8')).paths;

test('a cost above one unit, and one by the length of a list, stand in the description', () => {
  const [v1, v2] = [pathsOf('wallet.v1'), pathsOf('wallet.v2')];
  const batch = v2['/api/v2/transfers:batchCreate']?.post?.description ?? '';
  assert.match(batch, / Takes one unit of the rate limits for each begun 10 of `items`\.$/);
  const list = v1['/api/v1/wallet/transactions']?.get?.description ?? '';
  assert.match(list, / Takes 2 units of the rate limits\.$/);
  const single = v2['/api/v2/transfers']?.post?.description ?? '';
  assert.doesNotMatch(single, /rate limits/);
});
