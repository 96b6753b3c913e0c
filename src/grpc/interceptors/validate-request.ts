// Checks the request against the rules of its contract (buf.validate).
import { Refusal } from '../../domain/refusal.ts';
import type { Interceptor } from '../interceptor.ts';

/**
 * Refuses MALFORMED_REQUEST and INVALID_FIELD. It checks what the handler gets: the decoded request, and where that may break
 * a rule the same encoded again.
 */
export const validateRequest: Interceptor = (call, next) => {
  const { contract } = call;
  if (!contract.keepsRules(call.request())) {
    const violations = contract.validate(call.canonicalBytes());
    if (violations.length > 0) throw new Refusal('INVALID_FIELD', { violations });
  }
  return next();
};
