// Metrics of tracing: how many spans were exported, and how many were lost on the way.
import { Counter, type Registry } from 'prom-client';
import type { SpanCounts } from '../tracing.ts';

/** Creates the metrics of spans; all of them stay 0 where none are exported. */
export function traceMetrics(registry: Registry, read: () => SpanCounts): void {
  const registers = [registry];
  new Counter({
    name: 'ppuri_trace_spans_exported_total',
    help: 'Spans that the collector took.',
    registers,
    collect() {
      this.reset();
      this.inc(read().exported);
    },
  });
  new Counter({
    name: 'ppuri_trace_spans_dropped_total',
    help: 'Spans that were lost: the queue was full because the collector is slow or away, or it did not take them.',
    labelNames: ['reason'],
    registers,
    collect() {
      const { queueFull, exportFailed } = read();
      this.reset();
      this.inc({ reason: 'queue_full' }, queueFull);
      this.inc({ reason: 'export_failed' }, exportFailed);
    },
  });
}
