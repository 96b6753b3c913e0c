// Checks the request against the rules that stand in its contract.
import { Refusal, type Violation } from '../../domain/refusal.ts';
import type { IncomingCall, Interceptor } from '../interceptor.ts';

export const validateRequest: Interceptor = (call, next) => {
  const violations = check(call);
  if (violations.length > 0) throw new Refusal('INVALID_FIELD', { violations });
  return next();
};

function check(call: IncomingCall): Violation[] {
  try {
    return call.contract.validate(call.bytes);
  } catch {
    // The bytes are no such message; what the parser says of them is about bytes, not about the caller's fields.
    throw new Refusal('MALFORMED_REQUEST');
  }
}
