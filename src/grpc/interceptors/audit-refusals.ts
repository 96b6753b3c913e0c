// Puts calls on the audit trail whose key may not make them, and admin calls that are refused before their handler.
import { randomUUID } from 'node:crypto';
import type { Act, AuditTrail } from '../../domain/act.ts';
import { Refusal } from '../../domain/refusal.ts';
import { isAudited } from '../../usecases/index.ts';
import type { CallContext } from '../call-context.ts';
import type { Interceptor } from '../interceptor.ts';
import type { AuthenticationFailure } from './authenticate.ts';

/** Refusals of what a key may not do. */
const DENIALS: ReadonlySet<string> = new Set(['MISSING_SCOPE', 'KEY_USER_MISMATCH']);

/** Has to follow `authenticate`, so that the signer is known. */
export function auditRefusals(trail: AuditTrail): Interceptor {
  return async function auditRefusals(call, next) {
    try {
      return await next();
    } catch (error) {
      if (error instanceof Refusal && !isAudited(error)) record(trail, call, error);
      throw error;
    }
  };
}

/** The acting user of the call; empty where x-user-id is missing or malformed. */
function actingUserOf({ metadata }: CallContext): string {
  const [userId] = metadata.get('x-user-id');
  return typeof userId === 'string' && /^\d{1,19}$/.test(userId) ? userId : '';
}

function record(trail: AuditTrail, call: CallContext, { reason }: Refusal): void {
  const isDenied = DENIALS.has(reason);
  if (!isDenied && !call.path.startsWith('/admin.')) return;
  trail.sample({
    actId: randomUUID(),
    keyId: call.signer?.key.id ?? '',
    actor: 'key',
    clientAddress: call.signer?.clientAddress ?? '',
    rpc: call.path.slice(1),
    target: actingUserOf(call),
    outcome: isDenied ? 'denied' : 'refused',
    reason,
    requestId: call.requestId,
    trace: call.trace,
    count: 1,
  });
}

/** The line for a call that failed authentication. */
export function unauthenticatedAct({
  cause,
  clientAddress,
  keyId,
  path,
  requestId,
  trace,
}: AuthenticationFailure): Act {
  return {
    actId: randomUUID(),
    keyId,
    actor: 'stranger',
    clientAddress,
    rpc: path.slice(1),
    target: '',
    outcome: 'unauthenticated',
    reason: cause,
    requestId,
    trace,
    count: 1,
  };
}
