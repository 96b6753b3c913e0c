// The interface of a job, and of what observes jobs.
import type { JobData, JobName } from '../domain/jobs.ts';
import type { RunKind } from '../domain/recovery.ts';
import type { TraceContext } from '../domain/trace-context.ts';
import type { JobRecorder } from '../runtime/index.ts';

export type { JobTracer } from '../runtime/index.ts';

/**
 * One kind of work. It may run at any time, in several workers at once, and again after it was cut off anywhere: it works
 * under an idempotency key of the ledger, or repeats what is not done yet.
 */
export interface Job {
  /**
   * Returns a short summary for operators, which is kept as JSON. If it throws, it is tried again.
   * @param trace The trace that it belongs to, for what it asks of the ledger.
   */
  run(data: JobData, stopping: AbortSignal, trace?: TraceContext): Promise<object>;
}

/** Every job of the table, ready to run. */
export type Jobs = Readonly<Record<JobName, Job>>;

/** Records how jobs go, for metrics and logs. It does not throw. */
export interface JobObserver extends JobRecorder {
  /** @param trace The trace that the run belongs to. */
  ran(job: string, tookMs: number, error: unknown, trace?: TraceContext): void;
  deadLettered(job: string, error: unknown, trace?: TraceContext): void;
  /** The ledger was reconciled; `faults` is what does not agree. */
  reconciled(transfers: number, faults: readonly object[]): void;
  /** A backup or a drill ended; `error` is empty where it succeeded. */
  recoveryRan(kind: RunKind, runId: string, tookMs: number, error: string): void;
  /** Something did not work and will be tried again. */
  trouble(what: string, error: unknown): void;
}
