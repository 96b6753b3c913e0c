// The Merkle tree of RFC 9162, section 2.1: hashes, roots and proofs. A tree is never in memory: what is needed of it is named as
// complete subtrees, whose hashes tiles.ts finds.
import { hash } from 'node:crypto';

/** The bytes of SHA-256. */
export const HASH_BYTES = 32;

const LEAF = 0x00;
const NODE = 0x01;

/** A complete subtree: the leaves from index · 2^height on, 2^height of them. */
export interface Subtree {
  readonly height: number;
  readonly index: number;
}

/** The hash of a leaf. A text is hashed without a buffer of its own, which is twice as fast: the byte 0 is a character of UTF-8. */
export function hashLeaf(leaf: string | Uint8Array): Buffer {
  if (typeof leaf === 'string') return hash('sha256', `\0${leaf}`, 'buffer');
  return hash('sha256', Buffer.concat([Buffer.from([LEAF]), leaf]), 'buffer');
}

const pair = Buffer.alloc(1 + 2 * HASH_BYTES);
pair[0] = NODE;

/** The hash of an inner node. */
export function hashChildren(left: Uint8Array, right: Uint8Array): Buffer {
  pair.set(left, 1);
  pair.set(right, 1 + HASH_BYTES);
  return hash('sha256', pair, 'buffer');
}

/** The same of two hashes that lie one behind the other in a buffer. */
export function hashPair(hashes: Buffer, from: number): Buffer {
  hashes.copy(pair, 1, from, from + 2 * HASH_BYTES);
  return hash('sha256', pair, 'buffer');
}

/** The exponent of the largest power of two up to a number. */
function heightOf(count: number): number {
  let height = 0;
  while (2 ** (height + 1) <= count) height++;
  return height;
}

/** The complete subtrees of a range of leaves that a tree has as a node, largest first. */
function subtreesOf(start: number, count: number): Subtree[] {
  const found: Subtree[] = [];
  for (let [at, left] = [start, count]; left > 0; ) {
    const height = heightOf(left);
    found.push({ height, index: at / 2 ** height });
    at += 2 ** height;
    left -= 2 ** height;
  }
  return found;
}

/** What makes the root of the tree of the first `size` leaves, for hashSubtrees(). */
export function treeRoot(size: number): Subtree[] {
  return subtreesOf(0, size);
}

/** The hash over a range, from the hashes of its complete subtrees, largest first. */
export function hashSubtrees(hashes: readonly Uint8Array[]): Uint8Array {
  return hashes.reduceRight((right, left) => hashChildren(left, right));
}

/** PATH of RFC 9162, 2.1.3.1: each hash of the proof that leaf `index` is in the tree of `size` leaves, as its subtrees. */
export function inclusionProof(index: number, size: number): Subtree[][] {
  const path: Subtree[][] = [];
  for (let [start, count] = [0, size]; count > 1; ) {
    const half = 2 ** heightOf(count - 1);
    if (index < start + half) {
      path.push(subtreesOf(start + half, count - half));
      count = half;
    } else {
      path.push(subtreesOf(start, half));
      start += half;
      count -= half;
    }
  }
  return path.reverse();
}

/** PROOF of RFC 9162, 2.1.4.1: that the tree of `from` leaves, more than 0, is the beginning of that of `to` leaves. */
export function consistencyProof(from: number, to: number): Subtree[][] {
  const path: Subtree[][] = [];
  let [start, count] = [0, to];
  // Whether the old tree is the whole of what is left, and its root is known to the verifier.
  let isKnown = true;
  while (from < start + count) {
    const half = 2 ** heightOf(count - 1);
    if (from <= start + half) {
      path.push(subtreesOf(start + half, count - half));
      count = half;
    } else {
      path.push(subtreesOf(start, half));
      start += half;
      count -= half;
      isKnown = false;
    }
  }
  if (!isKnown) path.push(subtreesOf(start, count));
  return path.reverse();
}

/** Whether a proof shows that a leaf is in a tree (RFC 9162, 2.1.3.2). */
export function verifyInclusion(
  leafHash: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (index < 0 || index >= size) return false;
  let [node, last] = [index, size - 1];
  let result = leafHash;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      result = hashChildren(sibling, result);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      result = hashChildren(result, sibling);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 && Buffer.compare(result, root) === 0;
}

/** Whether a proof shows that a tree is the beginning of another one (RFC 9162, 2.1.4.2). */
export function verifyConsistency(
  from: number,
  to: number,
  proof: readonly Uint8Array[],
  roots: { readonly from: Uint8Array; readonly to: Uint8Array },
): boolean {
  if (from < 1 || from > to) return false;
  if (from === to) return proof.length === 0 && Buffer.compare(roots.from, roots.to) === 0;
  const isPowerOfTwo = treeRoot(from).length === 1;
  const [first, ...rest] = isPowerOfTwo ? [roots.from, ...proof] : proof;
  if (!first || (isPowerOfTwo && proof.length === 0)) return false;
  let [node, last] = [from - 1, to - 1];
  while (node % 2 === 1) [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  let [old, grown] = [first, first];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      old = hashChildren(sibling, old);
      grown = hashChildren(sibling, grown);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      grown = hashChildren(grown, sibling);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 && Buffer.compare(old, roots.from) === 0 && Buffer.compare(grown, roots.to) === 0;
}
