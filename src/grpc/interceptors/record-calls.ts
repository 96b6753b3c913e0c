// Records how calls ended and how long they took, for the statistics of admin.v1.
import { REASONS } from '../../domain/reasons.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Interceptor } from '../interceptor.ts';

/**
 * Called for each call that was answered, with `OK` or the code of its reason, and its duration in milliseconds; without
 * the duration for a stream. It must not throw.
 */
export type RecordCall = (code: string, tookMs?: number) => void;

/** Has to be the outermost interceptor: it records what the caller sees. */
export function recordCalls(recordCall: RecordCall): Interceptor {
  return async function recordCalls(_call, next) {
    const startedAt = performance.now();
    try {
      const answer = await next();
      recordCall('OK', performance.now() - startedAt);
      return answer;
    } catch (error) {
      const { code } = error instanceof Refusal ? REASONS[error.reason] : REASONS.INTERNAL;
      recordCall(code, performance.now() - startedAt);
      throw error;
    }
  };
}
