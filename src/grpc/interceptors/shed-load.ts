// Sheds load: refuses calls above what the process can handle, before they cost anything.
import { Refusal } from '../../domain/refusal.ts';
import type { Interceptor } from '../interceptor.ts';

/** One object for all refusals: an error and its encoded details for each would cost more than the reads it refuses. */
const OVERLOADED = new Refusal('UNAVAILABLE', { retryAfterMs: 500 });
/**
 * Reads are refused from this share of the maximum on. Above it only calls that move money are taken: a rush on one
 * sprinkle waits its turn, while a read can be retried at no risk.
 */
const READ_SHARE = 0.25;

/**
 * Refuses UNAVAILABLE while `maxInFlight` calls are in flight, or a quarter of that for reads, and DEADLINE_EXCEEDED for
 * calls whose deadline has passed. This bounds every queue in the process, so the latency of accepted calls does not grow
 * with the number of calls that are sent.
 */
export function shedLoad(maxInFlight: number): Interceptor {
  const maxReads = Math.ceil(maxInFlight * READ_SHARE);
  let inFlight = 0;
  return async function shedLoad(call, next) {
    const movesMoney = call.contract.rules.idempotencyKey;
    if (inFlight >= (movesMoney ? maxInFlight : maxReads)) throw OVERLOADED;
    if (call.deadlineMs <= Date.now()) throw new Refusal('DEADLINE_EXCEEDED');
    inFlight += 1;
    try {
      return await next();
    } finally {
      inFlight -= 1;
    }
  };
}
