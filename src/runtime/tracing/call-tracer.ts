// The spans of calls: who was called, how it ended, and when each of its steps began.
import { SpanKind } from '@opentelemetry/api';
import { REASONS } from '../../domain/reasons.ts';
import type { CallTracer } from '../../grpc/index.ts';
import { contextIn, fail, nowMs, type Spans } from './spans.ts';

/** Statuses that are the server's fault, not the caller's (semantic conventions of gRPC). */
const FAULTS = new Set([
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
]);

/** Creates the tracer of calls; `ratio` of those are sampled of which nobody else decided. */
export function createCallTracer(spans: Spans, ratio: number): CallTracer {
  return {
    // Not by the id of the trace, which a client chooses.
    samples: () => Math.random() < ratio,
    call: ({ path, requestId, receivedAt }, parent, run, reasonOf) => {
      const method = path.slice(1);
      const span = spans.start(method, {
        kind: SpanKind.SERVER,
        parent,
        startedAt: receivedAt,
        attributes: {
          'rpc.system.name': 'grpc',
          'rpc.method': method,
          'ppuri.request_id': requestId,
        },
      });
      const callSpan = {
        context: contextIn(span),
        entered: (step: string) => {
          span.addEvent(step, nowMs());
        },
      };
      return spans.within(span, async () => {
        try {
          const answer = await run(callSpan);
          span.setAttribute('rpc.response.status_code', 'OK');
          return answer;
        } catch (error) {
          const reason = reasonOf(error);
          const { status } = REASONS[reason];
          span.setAttribute('rpc.response.status_code', status);
          if (FAULTS.has(status)) fail(span, reason);
          else span.setAttribute('error.type', reason);
          throw error;
        } finally {
          span.end(nowMs());
        }
      });
    },
  };
}
