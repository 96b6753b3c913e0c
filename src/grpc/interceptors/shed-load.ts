// Refuses calls that come on top of more than the process can do, before they cost it anything.
import { Refusal } from '../../domain/refusal.ts';
import type { Interceptor } from '../interceptor.ts';

/** One for all: making an error and writing its details for each would cost more than looking. */
const FULL = new Refusal('UNAVAILABLE', { retryAfterMs: 500 });
/**
 * From this share of the most on, only calls that move money are taken: a rush on one sprinkle waits its turn and is not
 * refused, while who only looks can look again.
 */
const READS_UP_TO = 0.25;

/**
 * Refuses UNAVAILABLE while so many calls are under way. With that many every queue of the process has its bound, and
 * what is taken is answered in a time that does not grow with what is asked. Calls that only look are refused first.
 */
export function shedLoad(maxInFlight: number): Interceptor {
  const maxForReads = Math.ceil(maxInFlight * READS_UP_TO);
  let inFlight = 0;
  return async (call, next) => {
    const movesMoney = call.contract.rules.idempotencyKey;
    if (inFlight >= (movesMoney ? maxInFlight : maxForReads)) {
      throw FULL;
    }
    if (call.deadlineMs <= Date.now()) throw new Refusal('DEADLINE_EXCEEDED');
    inFlight += 1;
    try {
      return await next();
    } finally {
      inFlight -= 1;
    }
  };
}
