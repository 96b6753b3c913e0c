// Bounds the time of calls: a default deadline for unary calls, a maximum duration for streams.
import { Refusal } from '../../domain/refusal.ts';
import type { Interceptor } from '../interceptor.ts';

/**
 * Gives a call without a deadline one of `callTimeoutMs` milliseconds, and refuses DEADLINE_EXCEEDED after it. grpc-js
 * enforces the deadlines that callers set.
 *
 * Only the answer is given up, not the work: a transfer in flight may still post, as after any deadline. A retry under the
 * same idempotency key returns the outcome and posts nothing twice.
 */
export function applyDefaultDeadline(callTimeoutMs: number): Interceptor {
  return function applyDefaultDeadline(call, next) {
    if (call.deadlineMs !== Number.POSITIVE_INFINITY) return next();
    call.deadlineMs = Date.now() + callTimeoutMs;
    return within(callTimeoutMs, next);
  };
}

/**
 * Refuses DEADLINE_EXCEEDED when a stream has been open for `maxMs` milliseconds, or at its caller's deadline where that is
 * earlier. grpc-js alone would wait past the deadline for a reader that takes nothing. The caller's key is checked only
 * when a stream begins, so none may last for ever.
 */
export function limitStreamDuration(maxMs: number): Interceptor {
  return function limitStreamDuration(call, next) {
    const now = Date.now();
    call.deadlineMs = Math.min(call.deadlineMs, now + maxMs);
    return within(call.deadlineMs - now, next);
  };
}

function within<Answer>(ms: number, next: () => Promise<Answer>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Refusal('DEADLINE_EXCEEDED')), ms);
    next().then(
      (response) => {
        clearTimeout(timer);
        resolve(response);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
