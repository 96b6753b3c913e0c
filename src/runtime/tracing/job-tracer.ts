// The spans of a worker's jobs, which continue the trace of the call that asked for them.
import { SpanKind } from '@opentelemetry/api';
import type { JobName } from '../../domain/jobs.ts';
import type { TraceContext } from '../../domain/trace-context.ts';
import { contextIn, fail, kindOf, nowMs, type Spans } from './spans.ts';

/** Makes the spans of jobs. */
export interface JobTracer {
  /** Runs a job, in a span of its own if it is sampled: as its cause was, or by the ratio where it has none. */
  job<T>(
    name: JobName,
    cause: TraceContext | undefined,
    run: (trace: TraceContext | undefined) => Promise<T>,
  ): Promise<T>;
}

/** Creates the tracer of jobs. */
export function createJobTracer(spans: Spans, ratio: number): JobTracer {
  return {
    job: (name, cause, run) => {
      const isSampled = cause?.isSampled ?? Math.random() < ratio;
      if (!isSampled) return run(cause);
      const span = spans.start(`process ${name}`, {
        kind: SpanKind.CONSUMER,
        parent: cause,
        links: cause ? [cause] : [],
        attributes: {
          'messaging.system': 'bullmq',
          'messaging.operation.type': 'process',
          'messaging.destination.name': name,
        },
      });
      return spans.within(span, async () => {
        try {
          return await run(contextIn(span));
        } catch (error) {
          fail(span, kindOf(error));
          throw error;
        } finally {
          span.end(nowMs());
        }
      });
    },
  };
}
