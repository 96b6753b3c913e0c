// Lets an act of an operator through, or has it wait for a second key.
import type { ApprovalRequest } from '../../domain/act.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { AccountCore } from '../queries/target-status.ts';

/**
 * Resolves where an act may be done now: it needs no approval, or this call approves what another key asked for. Refuses
 * APPROVAL_REQUIRED, and says by which id and until when it waits.
 */
export async function approveAct({ accounts }: AccountCore, request: ApprovalRequest): Promise<void> {
  const pending = await accounts.approve(request);
  if (!pending) return;
  const expires_at = new Date(pending.expiresAt / 1000).toISOString();
  throw new Refusal('APPROVAL_REQUIRED', { metadata: { act_id: pending.id, expires_at } });
}
