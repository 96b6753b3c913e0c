// Limits the open streams of each user, so that one user cannot take all the places that a process has for streams; of each key
// where no user acts.
import { Refusal } from '../../domain/refusal.ts';
import { type CallContext, callerOf, signerOf } from '../call-context.ts';
import type { Interceptor } from '../interceptor.ts';

/** Streams stay open for minutes; 5 s leaves a client time to close the ones that it has forgotten. */
const RETRY_AFTER_MS = 5000;

/** Refuses RATE_LIMITED while a user has `maxPerUser` streams open in this process. */
export function limitStreamsPerUser(maxPerUser: number): Interceptor {
  const open = new Map<bigint | string, number>();
  return async function limitStreamsPerUser(call, next) {
    const who = whoOf(call);
    const count = open.get(who) ?? 0;
    if (count >= maxPerUser) {
      throw new Refusal('RATE_LIMITED', { retryAfterMs: RETRY_AFTER_MS, quota: 'streams' });
    }
    open.set(who, count + 1);
    try {
      return await next();
    } finally {
      const left = (open.get(who) ?? 0) - 1;
      if (left > 0) open.set(who, left);
      else open.delete(who);
    }
  };
}

function whoOf(call: CallContext): bigint | string {
  return call.contract.rules.actingUser ? callerOf(call).userId : signerOf(call).key.id;
}
