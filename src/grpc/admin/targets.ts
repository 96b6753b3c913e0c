// Wallets and users as requests of admin.v1 name them.
import { type FreezeTarget, targetName } from '../../domain/freeze.ts';
import { IS_REQUIRED } from '../../domain/localized-text.ts';
import { refuseField } from '../../domain/refusal.ts';

/** A wallet or a user. */
export type WireTarget =
  | { readonly $case: 'walletId'; readonly value: string }
  | { readonly $case: 'userId'; readonly value: bigint };

/** Its presence has been validated. The database writes UUIDs in lower case. */
export function toTarget(target: WireTarget | undefined): FreezeTarget {
  if (!target) throw refuseField('INVALID_FIELD', 'target', IS_REQUIRED);
  return target.$case === 'walletId' ? { walletId: target.value.toLowerCase() } : { userId: target.value };
}

/** The name of a target on the audit trail; empty where there is none. */
export function auditedTarget(target: WireTarget | undefined): string {
  return target ? targetName(toTarget(target)) : '';
}
