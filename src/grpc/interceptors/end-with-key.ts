// Ends streams whose key has been revoked, has expired, or may not be used from the caller's address any more.
import { Refusal } from '../../domain/refusal.ts';
import { type Signer, signerOf } from '../call-context.ts';
import type { Interceptor } from '../interceptor.ts';

/** How often the key of an open stream is checked again, in memory, in milliseconds. */
export const KEY_CHECK_MS = 1000;

/** Refuses AUTHENTICATION_FAILED, a second at most after this process has learned that a key `isLive` no more. */
export function endWithKey(isLive: (signer: Signer) => boolean): Interceptor {
  return function endWithKey(call, next) {
    const signer = signerOf(call);
    return new Promise((resolve, reject) => {
      const timer = setInterval(() => {
        if (!isLive(signer)) reject(new Refusal('AUTHENTICATION_FAILED'));
      }, KEY_CHECK_MS);
      next()
        .then(resolve, reject)
        .finally(() => clearInterval(timer));
    });
  };
}
