// Stores the nonces of calls that change something without an idempotency key, so that none of them is done twice.
import { type Core, spendNonce } from '../../usecases/index.ts';
import { signerOf } from '../call-context.ts';
import type { Interceptor } from '../interceptor.ts';
import { NONCE_TTL_MS } from './admit.ts';

/**
 * Refuses NONCE_REUSED. Admission refuses the nonces that it remembers, but in Redis, which may be emptied, and in this
 * process. A repeated call with an idempotency key gets its stored answer, and a repeated read does no harm. The nonces of
 * all other calls are stored in Postgres, after everything else has been checked.
 */
export function persistNonce(core: Core): Interceptor {
  return function persistNonce(call, next) {
    if (!call.contract.rules.needsNonceRecord) return next();
    const { key, nonce, edgeRequestId } = signerOf(call);
    return spendNonce(core, { keyId: key.id, nonce, edgeRequestId }, NONCE_TTL_MS).then(next);
  };
}
