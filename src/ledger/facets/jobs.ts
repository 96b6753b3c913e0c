// Jobs: what a batch asks for goes to the outbox in the batch's own transaction.
import { RequestedJobs } from '../../domain/batch/jobs.ts';
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

/** Reads nothing. */
export const jobs: Facet<RequestedJobs> = {
  load: (_client, _asked, context) => new RequestedJobs(context),
  statements: [INSERT_JOBS],
};
