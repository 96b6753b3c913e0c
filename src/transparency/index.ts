// The transparency log of transfers, as pure functions: how a transfer becomes a leaf (leaf.ts), the Merkle tree over leaves
// (merkle.ts, RFC 9162), how the tree is stored (tiles.ts), and what its owner signs (note.ts, C2SP signed notes and
// tlog-checkpoints). Others import this file only.

export { checkpointFile, leavesFile, sizeOfFile } from './files.ts';
export { type LeafFields, leafText, type PartyOfLeaf, parseLeaf, partyHash, SALT_BYTES } from './leaf.ts';
export {
  consistencyProof,
  HASH_BYTES,
  hashChildren,
  hashLeaf,
  hashSubtrees,
  inclusionProof,
  type Subtree,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts';
export {
  type Checkpoint,
  checkpointText,
  type LogVerifier,
  parseCheckpoint,
  parseVerifier,
  signNote,
  strictBase64,
  verifierText,
} from './note.ts';
export { appendToTiles, hashOfTiles, TILE_WIDTH, type Tile, tilesOf } from './tiles.ts';
