// Tracing: which trace a log line belongs to, and the tracers of a process whose spans are exported.
import type { TraceContext } from '../domain/trace-context.ts';
import type { Tracing } from './tracing/tracing.ts';
import type { CommonConfig } from './variables.ts';

export type { SpanCounts } from './tracing/exporter.ts';
export type { JobTracer } from './tracing/job-tracer.ts';
export type { Tracing } from './tracing/tracing.ts';

/** How tracing is set up. */
export type TracingConfig = CommonConfig['tracing'];

/** The fields of Elastic Common Schema that join a log line with its trace. */
export interface TraceFields {
  readonly 'trace.id'?: string;
  /** The span of the call or job; left out where that is not exported. */
  readonly 'span.id'?: string;
}

const NO_FIELDS: TraceFields = {};

/** What a log line says of its trace; nothing where it belongs to none. */
export function traceFields(trace: TraceContext | undefined): TraceFields {
  if (trace === undefined) return NO_FIELDS;
  if (!trace.isSampled) return { 'trace.id': trace.traceId };
  return { 'trace.id': trace.traceId, 'span.id': trace.spanId };
}

/**
 * Creates the tracers of a process. Without an endpoint there are none: the packages of OpenTelemetry are not even loaded.
 * @param fallbackName The name of the service where the settings have none.
 */
export async function createTracing(
  config: TracingConfig,
  fallbackName: string,
): Promise<Tracing | undefined> {
  if (config.endpoint === undefined) return undefined;
  const { createTracers } = await import('./tracing/tracing.ts');
  return createTracers({
    ...config,
    endpoint: config.endpoint,
    serviceName: config.serviceName ?? fallbackName,
  });
}
