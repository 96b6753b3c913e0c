// The jobs that a batch asks for; they are written to the outbox in the batch's own transaction.
import type { NewJob } from '../jobs.ts';
import type { TraceContext } from '../trace-context.ts';
import type { BatchContext } from './ledger-batch.ts';

declare module './ledger-batch.ts' {
  interface LedgerBatch {
    readonly jobs: RequestedJobs;
  }
}

/** Jobs to run after the batch is committed. */
export class RequestedJobs {
  readonly #batch: BatchContext;
  readonly #jobs = new Map<string, NewJob>();
  /** The trace of the call that is decided now; the ledger sets it before each. */
  trace: TraceContext | undefined;

  constructor(batch: BatchContext) {
    this.#batch = batch;
  }

  /** Asks for a job. The same job with the same data for the same moment is one, however often it is asked for. */
  enqueue(job: NewJob): void {
    const name = JSON.stringify([job.job, job.runAt, job.data]);
    if (this.#jobs.has(name)) return;
    this.#batch.undo.set(this.#jobs, name, { ...job, trace: this.trace });
  }

  /** All jobs that were asked for. */
  requested(): NewJob[] {
    return [...this.#jobs.values()];
  }
}
