// The type of an interceptor, and how interceptors make a chain around a handler.
import type { CallContext } from './call-context.ts';

/**
 * One step of a call: it refuses, or calls the next step and sees how the call ends. An interceptor does not depend on what
 * the answer is (the bytes of a response, or a stream that has been sent), so the same ones serve both.
 */
export type Interceptor = <Answer>(call: CallContext, next: () => Promise<Answer>) => Promise<Answer>;

/** The interceptors of calls by their kind, in their order, the outermost first. */
export interface InterceptorChains {
  readonly unary: readonly Interceptor[];
  /** For methods that answer with a stream: `next` settles when the stream ends. */
  readonly stream: readonly Interceptor[];
}

/** The interceptors in their order, the outermost first, around a handler. */
export function chain<Answer>(
  interceptors: readonly Interceptor[],
  handler: (call: CallContext) => Promise<Answer>,
): (call: CallContext) => Promise<Answer> {
  return interceptors.reduceRight<(call: CallContext) => Promise<Answer>>(
    (next, interceptor) => (call) => interceptor(call, () => next(call)),
    handler,
  );
}
