// Jobs: what a batch asks for goes to the outbox in the batch's own transaction.
import type { PoolClient } from 'pg';
import { RequestedJobs } from '../../domain/batch/jobs.ts';
import type { BatchContext } from '../../domain/batch/ledger-batch.ts';
import type { NewJob } from '../../domain/jobs.ts';
import { traceparentOf } from '../../domain/trace-context.ts';
import type { Facet } from '../facet.ts';
import { insertInto } from '../given-rows.ts';

const INSERT_JOBS = insertInto<NewJob>('outbox', ({ jobs }) => jobs.requested(), {
  job: ['text', ({ job }) => job],
  data: ['json', outboxData],
  run_at: ['timestamptz', ({ runAt }) => runAt],
});

/** With the trace among the data, which the relay takes out again (src/db/jobs/outbox.ts). */
function outboxData({ data, trace }: NewJob): string {
  return JSON.stringify(trace ? { ...data, traceparent: traceparentOf(trace) } : data);
}

const STATEMENTS = [INSERT_JOBS];

/** Reads nothing. */
export class JobsFacet implements Facet<RequestedJobs> {
  readonly statements = STATEMENTS;

  load(_client: PoolClient, context: BatchContext): RequestedJobs {
    return new RequestedJobs(context);
  }
}
