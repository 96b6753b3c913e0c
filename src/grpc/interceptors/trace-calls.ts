// Gives a sample of the calls a span each, with the moments at which their steps began. Only there where spans are exported.

import type { Reason } from '../../domain/reasons.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { TraceContext } from '../../domain/trace-context.ts';
import type { CallContext, CallSpan } from '../call-context.ts';
import type { Interceptor } from '../interceptor.ts';

/** A call as its span describes it. */
export type TracedCall = Pick<CallContext, 'path' | 'requestId' | 'receivedAt'>;

/** Makes the spans of calls. */
export interface CallTracer {
  /** Whether a call is sampled for which nobody whom we trust has decided. */
  samples(): boolean;
  /** Runs a call in a span of its own, as a child of `parent`; the span ends with the reason of a refusal. */
  call<Answer>(
    call: TracedCall,
    parent: TraceContext | undefined,
    run: (span: CallSpan) => Promise<Answer>,
    reasonOf: (error: unknown) => Reason,
  ): Promise<Answer>;
}

/** The header by which the edge states, beside its secret, that the traceparent and its decision are its own. */
const EDGE_TRACES = 'x-edge-traces';

/**
 * Has to be the outermost interceptor. Whether a call is sampled is the decision of the edge, or else our own: a client that
 * could decide it would make us export as much as it likes.
 */
export function traceCalls(
  tracer: CallTracer,
  isEdge: (claimed: string | undefined) => boolean,
): Interceptor {
  return function traceCalls(call, next) {
    if (!(edgeDecision(call, isEdge) ?? tracer.samples())) return next();
    return tracer.call(
      call,
      call.trace,
      (span) => {
        call.span = span;
        call.trace = span.context;
        return next();
      },
      reasonOf,
    );
  };
}

/** Notes in the span of a call that one of its interceptors begins. */
export function withMarks(interceptor: Interceptor): Interceptor {
  const { name } = interceptor;
  return (call, next) => {
    call.span?.entered(name);
    return interceptor(call, next);
  };
}

/** The last of the interceptors: what follows is the handler. */
export const markHandler: Interceptor = (call, next) => {
  call.span?.entered('handler');
  return next();
};

/** What the edge decided; undefined where it decided nothing, or where somebody else only says so. */
function edgeDecision(
  { metadata, trace, isSampledByParent }: CallContext,
  isEdge: (claimed: string | undefined) => boolean,
): boolean | undefined {
  if (trace === undefined || metadata.get(EDGE_TRACES).length === 0) return undefined;
  // Nothing is gained by a forged no, so the secret is checked only beside a yes.
  if (!isSampledByParent) return false;
  const [secret] = metadata.get('x-edge-secret');
  return typeof secret === 'string' && isEdge(secret) ? true : undefined;
}

function reasonOf(error: unknown): Reason {
  return error instanceof Refusal ? error.reason : 'INTERNAL';
}
