// Holds each user to so many streams at a time, so that nobody takes all the places that there are for them.
import { InvariantError } from '../../domain/error-fields.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Interceptor } from '../interceptor.ts';

/** When a place may be free again: a stream is open for minutes, and a client that forgot some closes them first. */
const RETRY_AFTER_MS = 5000;

/** Refuses RATE_LIMITED while a user has so many streams open with this process. */
export function limitStreamsPerUser(mostPerUser: number): Interceptor {
  const open = new Map<bigint, number>();
  return async (call, next) => {
    const userId = call.caller?.userId;
    if (userId === undefined) throw new InvariantError('no interceptor identified the caller');
    const count = open.get(userId) ?? 0;
    if (count >= mostPerUser) {
      throw new Refusal('RATE_LIMITED', { retryAfterMs: RETRY_AFTER_MS, quota: 'streams' });
    }
    open.set(userId, count + 1);
    try {
      return await next();
    } finally {
      const left = (open.get(userId) ?? 0) - 1;
      if (left > 0) open.set(userId, left);
      else open.delete(userId);
    }
  };
}
