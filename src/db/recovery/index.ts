// The SQL of backups and drills: runs, which servers ask for and workers do (migration 0075), and the list of backups in
// storage. Other folders import this file only.

export { findBackup, findDrill, type ListPlace, listBackups, listDrills, walArchive } from './lists.ts';
export {
  abandonLostRuns,
  type ClaimedRun,
  claimRun,
  finishRun,
  keepRun,
  noteWorker,
  type RunEnd,
  requestRun,
} from './runs.ts';
export { markVerified, storeBackups } from './stored-backups.ts';
