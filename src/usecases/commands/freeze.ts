// Freezes wallets and users, lifts freezes, and opens closed wallets again, for operators.
import { checkFreeze, type FreezeOrder, type FreezeTarget, type TargetStatus } from '../../domain/freeze.ts';
import { refuseField } from '../../domain/refusal.ts';
import { type AccountCore, targetNotFound, targetStatus } from '../queries/target-status.ts';

/**
 * Freezes for a case, in the place of the freeze that the case has on this target. Once it resolves no later commit of any
 * server moves money that way. Refuses WALLET_NOT_FOUND, USER_NOT_FOUND and INVALID_FIELD.
 */
export async function freeze(
  core: AccountCore,
  target: FreezeTarget,
  order: FreezeOrder,
  keyId: string,
): Promise<TargetStatus> {
  checkFreeze(order, await core.accounts.clock());
  if (!(await core.accounts.freeze(target, order, keyId))) throw targetNotFound(target);
  return targetStatus(core, target);
}

/** Lifts the freeze of a case; those of other cases stay. Refuses WALLET_NOT_FOUND, USER_NOT_FOUND and FREEZE_NOT_FOUND. */
export async function unfreeze(
  core: AccountCore,
  target: FreezeTarget,
  caseId: string,
  keyId: string,
): Promise<TargetStatus> {
  await targetStatus(core, target);
  if (!(await core.accounts.lift(target, caseId, keyId))) throw refuseField('FREEZE_NOT_FOUND', 'case_id');
  return targetStatus(core, target);
}

/** Opens a closed wallet again; one that is open stays as it is. Refuses WALLET_NOT_FOUND. */
export async function reopenWallet(core: AccountCore, walletId: string): Promise<TargetStatus> {
  await core.accounts.reopen(walletId);
  return targetStatus(core, { walletId });
}
