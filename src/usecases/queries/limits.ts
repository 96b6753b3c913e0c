// Limit policies and what was set for users, for operators.
import type { Currency } from '../../domain/currency.ts';
import type { LimitPolicy, Tier, UserLimits } from '../../domain/limit-policy.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { AdminCore } from '../core.ts';

/** What administering limits depends on. */
export type LimitCore = Pick<AdminCore, 'limits'>;

/** All policies, and the time zone of their days and months. */
export function listPolicies({ limits }: LimitCore): ReturnType<LimitCore['limits']['policies']> {
  return limits.policies();
}

/** Undefined where there is none. */
export async function findPolicy(
  core: LimitCore,
  tier: string,
  currency: string,
): Promise<LimitPolicy | undefined> {
  const { policies } = await listPolicies(core);
  return policies.find((policy) => policy.tier === tier && policy.currency === currency);
}

/** Refuses LIMIT_POLICY_NOT_FOUND. */
export async function getPolicy(core: LimitCore, tier: Tier, currency: Currency): Promise<LimitPolicy> {
  const found = await findPolicy(core, tier, currency);
  if (!found) throw refuseField('LIMIT_POLICY_NOT_FOUND', 'tier');
  return found;
}

/** Refuses USER_NOT_FOUND. */
export async function getUserLimits({ limits }: LimitCore, userId: bigint): Promise<UserLimits> {
  const found = await limits.ofUser(userId);
  if (!found) throw refuseField('USER_NOT_FOUND', 'user_id');
  return found;
}
