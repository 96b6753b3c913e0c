// The archive: a database of its own for transfers of months that are over. move.ts copies a month there, compares it with
// the original and drops the original; reads.ts and history.ts read from both databases; secret.ts gives both the secret that months are
// attested with. migrations/ is the schema. Other folders import this file only.

export { type HistoryPage, type HistoryPlace, historyAfter, historyFrom, readHistory } from './history.ts';
export {
  attestMonth,
  copyMonth,
  isReconciled,
  isSealed,
  type Month,
  monthsToArchive,
  releaseMonth,
  verifyMonth,
} from './move.ts';
export {
  balanceAsOfAnywhere,
  findFunderAnywhere,
  findMovedTransfers,
  findTransferAnywhere,
  findTransfersAnywhere,
  listTransfersAnywhere,
  searchTransfersAnywhere,
  type TransferPlaces,
} from './reads.ts';
export { shareArchiveSecret } from './secret.ts';
