// Reads the state of wallets and the freezes on them and on their users, for operators.
import type { FreezeTarget, TargetStatus } from '../../domain/freeze.ts';
import { type Refusal, refuseField } from '../../domain/refusal.ts';
import type { AdminCore } from '../core.ts';

/** Wallets and freezes are all that these use cases need. */
export type AccountCore = Pick<AdminCore, 'accounts'>;

/** The state of a wallet, or of a user with all wallets. Refuses WALLET_NOT_FOUND, USER_NOT_FOUND. */
export async function targetStatus({ accounts }: AccountCore, target: FreezeTarget): Promise<TargetStatus> {
  const status = await accounts.status(target);
  if (!status) throw targetNotFound(target);
  return status;
}

/** The refusal for a target that doesn't exist. */
export function targetNotFound(target: FreezeTarget): Refusal {
  return 'walletId' in target
    ? refuseField('WALLET_NOT_FOUND', 'wallet_id')
    : refuseField('USER_NOT_FOUND', 'user_id');
}
