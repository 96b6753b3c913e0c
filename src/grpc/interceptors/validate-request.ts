// Checks the request against the rules that stand in its contract.
import { Refusal } from '../../domain/refusal.ts';
import type { Interceptor } from '../interceptor.ts';

/** Refuses MALFORMED_REQUEST and INVALID_FIELD. What is checked is what the handler gets, written down again. */
export const validateRequest: Interceptor = (call, next) => {
  const violations = call.contract.validate(call.canonicalBytes());
  if (violations.length > 0) throw new Refusal('INVALID_FIELD', { violations });
  return next();
};
