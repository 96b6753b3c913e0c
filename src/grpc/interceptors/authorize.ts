// Checks what the key may do: its scopes, and the user that it is bound to.
import { Refusal } from '../../domain/refusal.ts';
import { signerOf } from '../call-context.ts';
import type { Interceptor } from '../interceptor.ts';

/** Refuses MISSING_SCOPE and KEY_USER_MISMATCH. */
export const authorize: Interceptor = (call, next) => {
  const { key } = signerOf(call);
  const { scope, actingUser } = call.contract.rules;
  if (!key.scopes.includes(scope)) throw new Refusal('MISSING_SCOPE');
  if (key.userId !== undefined) {
    // A key that is bound to a user may not make calls without an acting user.
    if (!actingUser || call.caller?.userId !== key.userId) throw new Refusal('KEY_USER_MISMATCH');
  }
  return next();
};
