// Spans in the making, and which of them is under way: whatever is done for a sampled call or job finds its span here.
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Attributes,
  type Context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { TraceContext } from '../../domain/trace-context.ts';

/** A span that others may be children of. */
interface ActiveSpan {
  readonly span: Span;
  readonly context: Context;
  /** Shared by all spans of one call, batch or job. */
  readonly count: { children: number };
}

/** How a span begins. Times are by performance.now(). */
export interface SpanStart {
  readonly kind: SpanKind;
  readonly parent?: TraceContext | undefined;
  readonly links?: readonly TraceContext[];
  readonly attributes?: Attributes;
  readonly startedAt?: number;
}

/** So many spans has one call, batch or job at most; a stream that lasts an hour has no end of statements. */
const MAX_CHILDREN = 256;

/** By how much the clock may go away from the one that spans share before they follow it, in milliseconds. */
const MAX_DRIFT_MS = 20;
let clockOffsetMs = performance.timeOrigin;

/**
 * A moment of performance.now() in milliseconds since 1970. One offset for all spans: with one for each, as the SDK has it,
 * children begin up to a millisecond before their parents.
 */
export function momentOf(at: number): number {
  const offsetMs = Date.now() - performance.now();
  if (Math.abs(offsetMs - clockOffsetMs) > MAX_DRIFT_MS) clockOffsetMs = offsetMs;
  return at + clockOffsetMs;
}

/** Now, in milliseconds since 1970. */
export function nowMs(): number {
  return momentOf(performance.now());
}

/** Makes spans. */
export class Spans {
  readonly #tracer: Tracer;
  readonly #active = new AsyncLocalStorage<ActiveSpan | undefined>();

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  /** Begins a span: a child of its parent, or the root of a new trace. */
  start(name: string, { kind, parent, links = [], attributes = {}, startedAt }: SpanStart): Span {
    const options = {
      kind,
      attributes,
      links: links.map(linkTo),
      startTime: startedAt === undefined ? nowMs() : momentOf(startedAt),
    };
    return this.#tracer.startSpan(name, options, parent ? contextOf(parent) : ROOT_CONTEXT);
  }

  /** Runs work whose own work is part of this span; undefined: part of none, whatever is under way now. */
  within<T>(span: Span | undefined, work: () => T): T {
    const active = span && { span, context: trace.setSpan(ROOT_CONTEXT, span), count: { children: 0 } };
    return this.#active.run(active, work);
  }

  /** Runs work as a child of the span that is under way; plainly where there is none, or it has too many. */
  child<T>(
    name: string,
    { kind = SpanKind.CLIENT, attributes }: { readonly kind?: SpanKind; readonly attributes: Attributes },
    work: () => Promise<T>,
  ): Promise<T> {
    const active = this.#active.getStore();
    // What a call started may go on, or come again, long after the call. Not an async function: of a hundred calls at most a
    // few come further than this.
    if (!active?.span.isRecording() || active.count.children >= MAX_CHILDREN) return work();
    active.count.children += 1;
    const options = { kind, attributes, startTime: nowMs() };
    const span = this.#tracer.startSpan(name, options, active.context);
    return this.#runUnder(span, active, work);
  }

  async #runUnder<T>(span: Span, { count }: ActiveSpan, work: () => Promise<T>): Promise<T> {
    try {
      return await this.#active.run({ span, context: trace.setSpan(ROOT_CONTEXT, span), count }, work);
    } catch (error) {
      fail(span, kindOf(error));
      throw error;
    } finally {
      span.end(nowMs());
    }
  }
}

/** The span as logs and other processes know it. */
export function contextIn(span: Span): TraceContext {
  const { traceId, spanId } = span.spanContext();
  return { traceId, spanId, isSampled: true };
}

/** Notes that what the span stands for failed; `kind` is a name, never a text that somebody wrote. */
export function fail(span: Span, kind: string): void {
  span.setAttribute('error.type', kind);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** What went wrong, as a name: messages quote values. Of Postgres it is the SQLSTATE. */
export function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^\w{1,40}$/.test(code) ? code : error.name;
}

function contextOf({ traceId, spanId }: TraceContext): Context {
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  });
}

function linkTo({ traceId, spanId }: TraceContext): Link {
  return { context: { traceId, spanId, traceFlags: TraceFlags.SAMPLED } };
}
