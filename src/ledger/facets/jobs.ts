// Jobs: what a batch asks for goes to the outbox in the batch's own transaction.
import type { PoolClient } from 'pg';
import { plainArray, textArray, timestamptz } from '../../db/sql.ts';
import { RequestedJobs } from '../../domain/batch/jobs.ts';
import type { BatchContext } from '../../domain/batch/ledger-batch.ts';
import type { NewJob } from '../../domain/jobs.ts';
import { traceparentOf } from '../../domain/trace-context.ts';
import type { Facet, Statement } from '../facet.ts';

const INSERT_JOBS: Statement<NewJob> = {
  name: 'insert-jobs',
  text: `
  INSERT INTO outbox (job, data, run_at)
  SELECT new.job, new.data::json, new.run_at FROM unnest($1::text[], $2::text[], $3::timestamptz[])
    AS new (job, data, run_at)`,
  rows: ({ jobs }) => jobs.requested(),
  values: (requested) => [
    plainArray(requested.map(({ job }) => job)),
    textArray(requested.map(outboxData)),
    plainArray(requested.map(({ runAt }) => timestamptz(runAt))),
  ],
};

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
