// Exports spans over OTLP: in the background, out of a bounded queue, and counted. Nothing ever waits for a collector.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Tracer } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';

/** Where spans go. */
export interface ExporterOptions {
  /** The URL of the collector, without `/v1/traces`. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  /** How long the collector has for one export, in milliseconds. */
  readonly timeoutMs: number;
  readonly serviceName: string;
}

/** What became of the spans that ended so far. */
export interface SpanCounts {
  readonly exported: number;
  /** Lost because the queue was full: the collector is slow or away. */
  readonly queueFull: number;
  /** Lost because the collector refused them, or did not answer in time. */
  readonly exportFailed: number;
}

/** Exports what its tracer records. */
export interface Exporter extends AsyncDisposable {
  readonly tracer: Tracer;
  counts(): SpanCounts;
  /** Exports what is left, for CLOSE_WITHIN_MS at most. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** How many spans wait for the collector at most: with a kilobyte each 4 MB. */
const MAX_QUEUE = 4_096;
const MAX_EXPORT = 512;
const EXPORT_EVERY_MS = 1_000;
const CLOSE_WITHIN_MS = 1_000;
/** A span has a bounded size, whatever happens to a call. */
const LIMITS = {
  attributeValueLengthLimit: 256,
  attributeCountLimit: 32,
  eventCountLimit: 32,
  linkCountLimit: 128,
} as const;

/** Creates an exporter. It connects when there is something to export. */
export function createExporter({ endpoint, headers, timeoutMs, serviceName }: ExporterOptions): Exporter {
  const counted = countSpans(
    new OTLPTraceExporter({
      url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
      headers: { ...headers },
      timeoutMillis: timeoutMs,
      // All of the queue at once, when the process stops; otherwise one export at a time.
      concurrencyLimit: MAX_QUEUE / MAX_EXPORT,
    }),
  );
  const provider = new TracerProvider({
    // Whether a call is sampled is decided before it gets here.
    sampler: new AlwaysOnSampler(),
    resource: resourceFromAttributes({
      'service.name': serviceName,
      'service.namespace': 'ppuri',
      'service.instance.id': crypto.randomUUID(),
      'process.pid': process.pid,
    }),
    spanLimits: LIMITS,
    spanProcessors: [
      counted.processor(
        new BatchSpanProcessor({
          exporter: counted.exporter,
          maxQueueSize: MAX_QUEUE,
          maxExportBatchSize: MAX_EXPORT,
          scheduledDelayMillis: EXPORT_EVERY_MS,
          // The exporter gives up by itself; earlier the next export would go out beside the one that hangs.
          exportTimeoutMillis: 2 * timeoutMs,
        }),
      ),
    ],
  });
  return {
    tracer: provider.getTracer('ppuri'),
    counts: counted.counts,
    [Symbol.asyncDispose]: async () => {
      const closed = provider.shutdown().catch(() => {});
      await Promise.race([closed, sleep(CLOSE_WITHIN_MS, undefined, { ref: false })]);
    },
  };
}

/** The processor of the SDK drops what its queue has no room for without saying so: here it is bounded and counted. */
function countSpans(inner: SpanExporter) {
  let waiting = 0;
  let exported = 0;
  let queueFull = 0;
  let exportFailed = 0;
  const exporter: SpanExporter = {
    export: (spans, done) => {
      waiting -= spans.length;
      inner.export(spans, (result) => {
        if (result.code === ExportResultCode.SUCCESS) exported += spans.length;
        else exportFailed += spans.length;
        done(result);
      });
    },
    shutdown: () => inner.shutdown(),
  };
  const processor = (batches: SpanProcessor): SpanProcessor => ({
    onStart: () => {},
    onEnd: (span: ReadableSpan) => {
      if (waiting >= MAX_QUEUE) {
        queueFull += 1;
        return;
      }
      waiting += 1;
      batches.onEnd(span);
    },
    forceFlush: () => batches.forceFlush(),
    shutdown: () => batches.shutdown(),
  });
  const counts = (): SpanCounts => ({ exported, queueFull, exportFailed });
  return { exporter, processor, counts };
}
