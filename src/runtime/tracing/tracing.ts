// The tracers of one process. Loaded only where spans are exported, because it loads the packages of OpenTelemetry.
import type { AdmissionControl } from '../../admission/index.ts';
import type { Cache, CacheWriter } from '../../cache/index.ts';
import type { People } from '../../db/people/index.ts';
import type { Pool } from '../../db/pool.ts';
import type { CallTracer } from '../../grpc/index.ts';
import type { BatchTracer } from '../../ledger/index.ts';
import { createBatchTracer } from './batch-tracer.ts';
import { createCallTracer } from './call-tracer.ts';
import { doorTracers } from './doors.ts';
import { createExporter, type ExporterOptions, type SpanCounts } from './exporter.ts';
import { createJobTracer, type JobTracer } from './job-tracer.ts';
import { traceStatements } from './pool-spans.ts';
import { Spans } from './spans.ts';

/** How a process is traced. */
export interface TracingOptions extends ExporterOptions {
  /** The share of calls and jobs that are sampled where nobody else has decided it. */
  readonly ratio: number;
}

/** Traces what a process does, and exports it. */
export interface Tracing extends AsyncDisposable {
  readonly calls: CallTracer;
  readonly batches: BatchTracer;
  readonly jobs: JobTracer;
  /** Gives the statements of a pool spans. */
  pool(pool: Pool, name: string): void;
  /** The same, with spans for its requests to Redis. */
  admission(admission: AdmissionControl): AdmissionControl;
  /** The same, with spans for its reads and for what it does before commits. */
  cache(cache: Cache): Cache;
  cacheWriter<Writer extends CacheWriter>(writer: Writer): Writer;
  /** The same, with spans for what it asks Postgres about users and rooms. */
  people(people: People): People;
  counts(): SpanCounts;
}

/** Creates the tracers. */
export function createTracers(options: TracingOptions): Tracing {
  const exporter = createExporter(options);
  const spans = new Spans(exporter.tracer);
  return {
    calls: createCallTracer(spans, options.ratio),
    batches: createBatchTracer(spans),
    jobs: createJobTracer(spans, options.ratio),
    pool: (pool, name) => traceStatements(spans, pool, name),
    ...doorTracers(spans),
    counts: exporter.counts,
    [Symbol.asyncDispose]: () => exporter[Symbol.asyncDispose](),
  };
}
