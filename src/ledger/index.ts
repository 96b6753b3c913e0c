// The ledger: executes commands that move money, many of them in one transaction of Postgres.
//
// Calls queue in ledger.ts and share transactions (run-batch.ts). What a batch reads and writes is split into facets, one
// file each in facets/. Decisions are pure and lie in src/domain/batch/. Other folders import this file only.

export { createCheck } from './check.ts';
export { connectionsFor, createLedger, type Ledger } from './ledger.ts';
export {
  type AfterCommit,
  type BatchObserver,
  type BatchTracer,
  type Changes,
  NO_CACHE,
} from './ledger-tools.ts';
export { endAttempts, findStoredAnswer, type StoredAnswer } from './stored-answers.ts';
