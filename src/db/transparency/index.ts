// The transparency log's tables: the tiles of the tree, checkpoints, and the keys that sign them. What they mean is in
// src/transparency/. Other folders import this file only.

export {
  addCheckpoint,
  checkpointLagSeconds,
  type LastCheckpoint,
  lastCheckpoint,
  listCheckpoints,
} from './checkpoints.ts';
export { addLogKey, type LogKey, listLogKeys, listVerifiers, sealedLogKeys, setRetired } from './keys.ts';
export {
  type LogProgress,
  lockLog,
  logProgress,
  logSize,
  readTiles,
  type StoredTile,
  storeTiles,
} from './tiles.ts';
