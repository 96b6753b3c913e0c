// The interface of a job, and of what observes jobs.
import type { JobData, JobName } from '../domain/jobs.ts';
import type { JobRecorder } from '../runtime/index.ts';

/**
 * One kind of work. It may run at any time, in several workers at once, and again after it was cut off anywhere: it works
 * under an idempotency key of the ledger, or repeats what is not done yet.
 */
export interface Job {
  /** Returns a short summary for operators, which is kept as JSON. If it throws, it is tried again. */
  run(data: JobData, stopping: AbortSignal): Promise<object>;
}

/** Every job of the table, ready to run. */
export type Jobs = Readonly<Record<JobName, Job>>;

/** Told how jobs go, for metrics and logs. It does not throw. */
export interface JobObserver extends JobRecorder {
  /** Something did not work and will be tried again. */
  trouble(what: string, error: unknown): void;
}
