// What a job is to the machinery that runs it, and who is told how it goes.
import type { LedgerFault } from '../db/jobs/reconciliation.ts';
import type { JobData, JobName } from '../domain/jobs.ts';

/**
 * One kind of work. It may be run at any time, by several workers at once, and again after it was cut off anywhere: what
 * it does, it does through a key in the ledger or by looking at what is there.
 */
export interface Job {
  /** Returns what it did, in few words for ops: it is kept as JSON. What it throws is tried again. */
  run(data: JobData, stopping: AbortSignal): Promise<object>;
}

/** Every job of the table, ready to run. */
export type Jobs = Readonly<Record<JobName, Job>>;

/** Told how jobs go, for metrics and logs. It must not throw. */
export interface JobObserver {
  /** A run ended; `error` is undefined when it went well. */
  ran(job: JobName, tookMs: number, error: unknown): void;
  /** A job failed as often as it is tried. */
  deadLettered(job: JobName, error: unknown): void;
  /** So many rows of the outbox went to the queue. */
  relayed(count: number): void;
  /** Refunds were made; the one that waited longest waited so many milliseconds after its sprinkle's end. */
  refunded(count: number, longestLagMs: number): void;
  /** The ledger was held against itself; `faults` is what does not agree. */
  reconciled(transfers: number, faults: readonly LedgerFault[]): void;
  /** Something did not work and will be tried again. */
  trouble(what: string, error: unknown): void;
}
