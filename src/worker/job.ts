// What a job is to the machinery that runs it, and who is told how it goes.
import type { JobData, JobName } from '../domain/jobs.ts';
import type { JobRecorder } from '../runtime/index.ts';

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

/** Told how jobs go, for metrics and logs. It does not throw. */
export interface JobObserver extends JobRecorder {
  /** Something did not work and will be tried again. */
  trouble(what: string, error: unknown): void;
}
