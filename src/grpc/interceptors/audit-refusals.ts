// Tells the audit trail of calls whose key is not allowed to make them, and of admin calls that never reach their handler.
import { randomUUID } from 'node:crypto';
import type { Act, AuditTrail } from '../../domain/act.ts';
import { Refusal } from '../../domain/refusal.ts';
import { isAudited } from '../admin/audit-calls.ts';
import type { CallContext } from '../call-context.ts';
import type { Interceptor } from '../interceptor.ts';
import type { AuthenticationFailure } from './authenticate.ts';

/** Refusals that say that a key may not do what it tried. */
const DENIALS: ReadonlySet<string> = new Set(['MISSING_SCOPE', 'KEY_USER_MISMATCH']);

/** Stands behind authentication: who signed is known. */
export function auditRefusals(trail: AuditTrail): Interceptor {
  return async (call, next) => {
    try {
      return await next();
    } catch (error) {
      if (error instanceof Refusal && !isAudited(error)) tell(trail, call, error);
      throw error;
    }
  };
}

/** The user for whom the call was made, where it names one rightly. */
function actingUserOf({ metadata }: CallContext): string {
  const [userId] = metadata.get('x-user-id');
  return typeof userId === 'string' && /^\d{1,19}$/.test(userId) ? userId : '';
}

function tell(trail: AuditTrail, call: CallContext, { reason }: Refusal): void {
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
    count: 1,
  });
}

const KEY_ID = /^ppk_live_\w{1,40}$/;

/** The line for a call that was not let in. What it names as its key is kept only where it looks like one. */
export function unauthenticatedAct({
  cause,
  clientAddress,
  keyId,
  path,
  requestId,
}: AuthenticationFailure): Act {
  return {
    actId: randomUUID(),
    keyId: KEY_ID.test(keyId) ? keyId : '',
    actor: 'stranger',
    clientAddress,
    rpc: path.slice(1),
    target: '',
    outcome: 'unauthenticated',
    reason: cause,
    requestId,
    count: 1,
  };
}
