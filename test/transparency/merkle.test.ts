// The Merkle tree against the published vectors of RFC 6962 (RFC 9162 has the same hashes), and against the RFC's recursive definition.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import {
  appendToTiles,
  consistencyProof,
  hashLeaf,
  hashOfTiles,
  inclusionProof,
  type Tile,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from '../../src/transparency/index.ts';

/** The leaves of Certificate Transparency's reference tests, and the root after each of them. */
const VECTORS: readonly (readonly [string, string])[] = [
  ['', '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  ['00', 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'],
  ['10', 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77'],
  ['2021', 'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7'],
  ['3031', '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4'],
  ['40414243', '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef'],
  ['5051525354555657', 'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c'],
  ['606162636465666768696a6b6c6d6e6f', '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328'],
];

/** MTH of RFC 9162, 2.1.1, word for word. */
function definition(leaves: readonly Uint8Array[]): Buffer {
  const [first] = leaves;
  if (leaves.length === 1 && first) return hash('sha256', Buffer.from([0, ...first]), 'buffer');
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  const both = [definition(leaves.slice(0, k)), definition(leaves.slice(k))];
  return hash('sha256', Buffer.concat([Buffer.from([1]), ...both]), 'buffer');
}

/** A log that grows by these numbers of leaves, as it is stored. */
function grown(steps: readonly number[]): { readonly tiles: Tile[]; readonly leaves: Buffer[] } {
  const stored = new Map<string, Tile>();
  const leaves: Buffer[] = [];
  for (const step of steps) {
    const added = Array.from({ length: step }, (_, n) => Buffer.from(`leaf ${leaves.length + n}`));
    const edge = [...stored.values()].filter(({ hashes }) => hashes.length < 8192);
    for (const tile of appendToTiles(leaves.length, edge, added.map(hashLeaf)))
      stored.set(`${tile.level}/${tile.index}`, tile);
    leaves.push(...added);
  }
  return { tiles: [...stored.values()], leaves };
}

test('roots are those of the published vectors', () => {
  const leaves = VECTORS.map(([hex]) => Buffer.from(hex, 'hex'));
  const hashOf = hashOfTiles(appendToTiles(0, [], leaves.map(hashLeaf)));
  VECTORS.forEach(([, root], index) => {
    assert.equal(Buffer.from(hashOf(treeRoot(index + 1))).toString('hex'), root);
  });
});

test('a log that grows in any steps has the roots and the proofs of the definition', () => {
  const { tiles, leaves } = grown([1, 1, 5, 248, 1, 1, 400, 0, 111, 512]);
  const hashOf = hashOfTiles(tiles);
  for (const size of [1, 2, 3, 6, 7, 8, 255, 256, 257, 600, 767, 768, 1024, 1280]) {
    const root = hashOf(treeRoot(size));
    assert.deepEqual(Buffer.from(root), definition(leaves.slice(0, size)), `the root of ${size}`);
    for (const index of new Set([0, 1, 5, 200, 255, 256, size - 2, size - 1])) {
      if (index < 0 || index >= size) continue;
      const proof = inclusionProof(index, size).map(hashOf);
      const leaf = hashLeaf(leaves[index] ?? '');
      assert.ok(verifyInclusion(leaf, index, size, proof, root), `leaf ${index} of ${size}`);
      assert.ok(!verifyInclusion(leaf, index + 1, size, proof, root), `leaf ${index} in place of the next`);
      assert.ok(!verifyInclusion(leaf, index, size, [...proof, root], root), 'a proof that is too long');
      assert.ok(proof.length === 0 || !verifyInclusion(leaf, index, size, proof.slice(1), root));
    }
  }
});

test('proofs of consistency hold between any two sizes, and for no other roots', () => {
  const { tiles } = grown([300, 300]);
  const hashOf = hashOfTiles(tiles);
  const sizes = [1, 2, 3, 4, 7, 8, 100, 255, 256, 257, 511, 512, 599, 600];
  for (const from of sizes) {
    for (const to of sizes.filter((size) => size >= from)) {
      const proof = consistencyProof(from, to).map(hashOf);
      const roots = { from: hashOf(treeRoot(from)), to: hashOf(treeRoot(to)) };
      assert.ok(verifyConsistency(from, to, proof, roots), `${from} to ${to}`);
      const other = hashLeaf('another');
      assert.ok(!verifyConsistency(from, to, proof, { ...roots, from: other }), `${from} to ${to}`);
      assert.ok(!verifyConsistency(from, to, proof, { ...roots, to: other }), `${from} to ${to}`);
      assert.ok(!verifyConsistency(from, to, [...proof, other], roots), `${from} to ${to}`);
    }
  }
});

test('a proof among 10 million leaves has 24 hashes at most, of 6 tiles: less than 1 KB', () => {
  const proof = inclusionProof(1_234_567, 10_000_000);
  assert.ok(proof.length <= 24 && proof.length * 32 < 1024, `${proof.length}`);
});
