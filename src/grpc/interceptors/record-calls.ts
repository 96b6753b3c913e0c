// Counts calls by how they ended and how long they took.
import { REASONS } from '../../domain/reasons.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Interceptor } from '../interceptor.ts';

/**
 * Told of each call that was answered: `OK` or its code, and how long it took in milliseconds; not how long of a stream,
 * which takes as long as its client likes. It must not throw.
 */
export type RecordCall = (code: string, tookMs?: number) => void;

/** Sees a call as its caller does: after everything else had its say. */
export function recordCalls(recordCall: RecordCall): Interceptor {
  return async (_call, next) => {
    const startedAt = performance.now();
    const done = (code: string) => recordCall(code, performance.now() - startedAt);
    try {
      const answer = await next();
      done('OK');
      return answer;
    } catch (error) {
      done(error instanceof Refusal ? REASONS[error.reason].code : REASONS.INTERNAL.code);
      throw error;
    }
  };
}
