// Go's library of RFC 9162 trees, which shares nothing with our verifiers, accepts the proofs that the log gives, and changed ones not.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { goPrograms } from '../../../scripts/ops/install.ts';
import {
  appendToTiles,
  consistencyProof,
  hashLeaf,
  hashOfTiles,
  inclusionProof,
  type Subtree,
  treeRoot,
} from '../../../src/transparency/index.ts';
import { orSkip } from '../../skip.ts';

const library = orSkip(
  await goPrograms(import.meta.dirname, '.', 'rfc9162'),
  'An independent library of Merkle trees',
);
const { skip } = library;

const SMALL = Array.from({ length: 64 }, (_, n) => n + 1);
// Where tiles, and tiles of tiles, are full.
const LARGE = [255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 66_047];
const PLACES = [0, 1, 100, 255, 256, 65_535];
// One more than the largest tree: the program also tries the root of the next size.
const LEAVES = Array.from({ length: 66_048 }, (_, n) => `leaf ${n}\n`);

const hashOf = hashOfTiles(appendToTiles(0, [], LEAVES.map(hashLeaf)));
const base64 = (range: readonly Subtree[]) => Buffer.from(hashOf(range)).toString('base64');
const rootOf = (size: number) => base64(treeRoot(size));

const inclusionCase = (index: number, size: number) => ({
  ...{ index, size, root: rootOf(size) },
  proof: inclusionProof(index, size).map(base64),
});
const consistencyCase = (from: number, to: number) => ({
  ...{ from, to, from_root: rootOf(from), to_root: rootOf(to) },
  proof: consistencyProof(from, to).map(base64),
});

interface Proofs {
  readonly inclusion: readonly ReturnType<typeof inclusionCase>[];
  readonly consistency: readonly ReturnType<typeof consistencyCase>[];
}

/** Every proof among the small sizes, and some among the large ones. */
function everyProof(): Proofs {
  const placesIn = (size: number) => (size <= 64 ? SMALL.map((n) => n - 1) : [...PLACES, size - 1]);
  const sizes = [...SMALL, ...LARGE];
  const upTo = (size: number) => (number: number) => number <= size;
  return {
    inclusion: sizes.flatMap((size) =>
      placesIn(size)
        .filter(upTo(size - 1))
        .map((index) => inclusionCase(index, size)),
    ),
    consistency: sizes.flatMap((to) => sizes.filter(upTo(to)).map((from) => consistencyCase(from, to))),
  };
}

/** What the program says of proofs, and its exit code. */
async function check(input: Proofs): Promise<{ code: number; said: string }> {
  const child = spawn(join(library.path, 'receipts'), { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(JSON.stringify({ leaves: LEAVES, ...input }));
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await once(child, 'close')) as [number];
  return { code, said: (await said).join('') };
}

test('an independent library has the same roots and proofs, accepts them all, and no changed one', {
  skip,
}, async () => {
  const input = everyProof();
  const { code, said } = await check(input);
  assert.equal(code, 0, said);
  const [, refused] =
    said.match(
      `^${input.inclusion.length} proofs of inclusion, ${input.consistency.length} of consistency, (\\d+) changed ones refused\n$`,
    ) ?? assert.fail(said);
  // Five changes of what a proof is about, and one of each of its hashes.
  const hashes = [...input.inclusion, ...input.consistency].reduce((sum, { proof }) => sum + proof.length, 0);
  assert.ok(Number(refused) > 5 * (input.inclusion.length + input.consistency.length) + hashes);
});

test('the program names a proof whose hashes are in another order', { skip }, async () => {
  const right = consistencyCase(3, 8);
  const wrong = { ...right, proof: right.proof.toReversed() };
  const { code, said } = await check({ inclusion: [], consistency: [right, wrong] });
  assert.equal(code, 1);
  assert.match(said, /^3 to 8: calculated root:/);
});
