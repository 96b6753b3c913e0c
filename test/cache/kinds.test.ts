// What the cache holds comes back as it was put in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EntryKind } from '../../src/cache/entry.ts';
import { FRIENDS } from '../../src/cache/kinds.ts';

/** The kinds that are written as JSON have one encoding, which does not know what it encodes. */
const JSON_KIND = FRIENDS as unknown as EntryKind<unknown>;

const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.bigInt(),
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('tree'), { maxLength: 5 }),
    fc.dictionary(fc.stringMatching(/^[a-zA-Z]{1,12}$/), tie('tree'), { maxKeys: 5, noNullPrototype: true }),
  ),
}));

test('values with bigints at any depth come back as they were', () => {
  fc.assert(
    fc.property(tree, (value) => assert.deepEqual(JSON_KIND.decode(JSON_KIND.encode(value)), value)),
    { numRuns: 2000 },
  );
});
