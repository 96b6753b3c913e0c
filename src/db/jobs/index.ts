// The SQL of background work: the outbox that jobs wait in, dead letters, what is known of each job, and the statements of
// the jobs themselves (refunds, reconciliation, statistics, upkeep). Other folders import this file only.

export { countDeadLetters, insertDeadLetter } from './dead-letters.ts';
export { DUE_HOLDS, DUE_SPRINKLES, type DueItems, refundOverdueSeconds } from './due.ts';
export {
  countJobs,
  type DeadLetter,
  type JobStatus,
  jobStatuses,
  listDeadLetters,
  replayDeadLetters,
  setPaused,
} from './job-admin.ts';
export { pausedJobs, recordRun } from './job-states.ts';
export {
  enqueue,
  finishRow,
  forgetOverdue,
  forgetRelayed,
  hasRow,
  type OutboxRow,
  oldestDueSeconds,
  relayRows,
} from './outbox.ts';
export { createOutboxListener } from './outbox-listener.ts';
export { lastReconciliation, reconcile } from './reconciliation.ts';
export { type RecoveryState, recoveryState } from './recovery.ts';
export { missingPeriods, purgeSamples, storeStatistics } from './statistics.ts';
export {
  ensurePartitions,
  monthsWithPartition,
  purgeApiKeys,
  purgeNonces,
  purgePayoutDrafts,
  purgeRefusalMarks,
  purgeSprinkles,
} from './upkeep.ts';
