// Keeps the nonces of calls that change something without an idempotency key, so that none of them is done twice.
import { type Core, spendNonce } from '../../usecases/index.ts';
import { signerOf } from '../call-context.ts';
import type { Interceptor } from '../interceptor.ts';
import { NONCE_TTL_MS } from './admit.ts';

/**
 * Refuses NONCE_REUSED. Admission control has refused what it remembers, but it remembers in Redis, which may be emptied, and in
 * this process. A call with an idempotency key gets its kept answer when it is sent again, and one that changes nothing
 * may be: these need no more. The others are noted in Postgres, last of all, when nothing stands in their way any more.
 */
export function persistNonce(core: Core): Interceptor {
  return async (call, next) => {
    if (call.contract.rules.needsNonceRecord) {
      const { key, nonce, edgeRequestId } = signerOf(call);
      await spendNonce(core, { keyId: key.id, nonce, edgeRequestId }, NONCE_TTL_MS);
    }
    return next();
  };
}
