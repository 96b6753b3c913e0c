// Gives a call that names no deadline one of ours, so that none waits for ever.
import { Refusal } from '../../domain/refusal.ts';
import type { Interceptor } from '../interceptor.ts';

/**
 * Refuses DEADLINE_EXCEEDED when a call has not been answered after so many milliseconds. A deadline that the caller
 * names is kept by grpc-js itself.
 *
 * Only the answer is given up, not the call: money that was on its way may still move, as with any deadline. The retry
 * under the same idempotency key tells, and moves nothing twice. Goes around mapErrors, so that what goes wrong later
 * is logged all the same.
 */
export function applyDefaultDeadline(callTimeoutMs: number): Interceptor {
  return (call, next) => {
    if (call.deadlineMs !== Number.POSITIVE_INFINITY) return next();
    call.deadlineMs = Date.now() + callTimeoutMs;
    return within(callTimeoutMs, next);
  };
}

/**
 * Refuses DEADLINE_EXCEEDED when a stream has been open for so long, or until its caller's deadline where that is earlier.
 * Also the latter is kept here: grpc-js alone would wait for a reader that takes nothing. Whom a key lets in, and what it
 * may do, is decided when a stream begins, so none may last for ever.
 */
export function limitStreamDuration(mostMs: number): Interceptor {
  return (call, next) => {
    const now = Date.now();
    call.deadlineMs = Math.min(call.deadlineMs, now + mostMs);
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
