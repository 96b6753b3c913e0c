// The spans of the ledger: one for each batch, linked with the calls that share it, and one for each call's wait.
import { SpanKind } from '@opentelemetry/api';
import type { TraceContext } from '../../domain/trace-context.ts';
import type { BatchTracer } from '../../ledger/index.ts';
import { contextIn, momentOf, nowMs, type Spans } from './spans.ts';

/** Creates the tracer of batches. */
export function createBatchTracer(spans: Spans): BatchTracer {
  return {
    batch: (calls, run) => {
      const sampled: { readonly trace: TraceContext; readonly arrivedAt: number }[] = [];
      for (const { info, arrivedAt } of calls)
        if (info.trace?.isSampled) sampled.push({ trace: info.trace, arrivedAt });
      const [first] = sampled;
      // The queue was emptied by whichever call came first; what follows is not part of that call.
      if (!first) return spans.within(undefined, run);
      const takenAt = performance.now();
      const batch = spans.start('ledger.batch', {
        kind: SpanKind.INTERNAL,
        // A trace that begins with one call is whole; the traces of the others lead here by a link.
        parent: first.trace,
        links: sampled.map(({ trace }) => trace),
        startedAt: takenAt,
        attributes: { 'ppuri.batch.calls': calls.length },
      });
      for (const { trace, arrivedAt } of sampled) {
        const options = { kind: SpanKind.INTERNAL, parent: trace, startedAt: arrivedAt };
        spans.start('ledger.wait', { ...options, links: [contextIn(batch)] }).end(momentOf(takenAt));
      }
      return spans.within(batch, () => run().finally(() => batch.end(nowMs())));
    },
  };
}
