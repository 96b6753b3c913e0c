// Sets limits, for operators: policies by tier and currency, and what sets a user apart.
import type { Currency } from '../../domain/currency.ts';
import {
  checkUntil,
  type LimitPolicy,
  type OwnLimit,
  PRESETS,
  type PresetName,
  type Tier,
  type UserLimitChange,
  type UserLimits,
} from '../../domain/limit-policy.ts';
import { refuseField } from '../../domain/refusal.ts';
import type { Micros } from '../../domain/time.ts';
import { findPolicy, getUserLimits, type LimitCore } from '../queries/limits.ts';

/** Puts a policy into force, in the place of the one of the same tier and currency. */
export async function putPolicy({ limits }: LimitCore, policy: LimitPolicy): Promise<LimitPolicy> {
  await limits.put(policy);
  return policy;
}

/** Takes a policy out of force. Refuses LIMIT_POLICY_NOT_FOUND. */
export async function deletePolicy({ limits }: LimitCore, tier: Tier, currency: Currency): Promise<void> {
  if (!(await limits.delete(tier, currency))) throw refuseField('LIMIT_POLICY_NOT_FOUND', 'tier');
}

/** Sets the limits of a preset; others of the same tier and currency stay. */
export async function applyPreset(core: LimitCore, name: PresetName): Promise<LimitPolicy> {
  const preset = PRESETS[name];
  const before = await findPolicy(core, preset.tier, preset.currency);
  return putPolicy(core, { ...preset, limits: { ...before?.limits, ...preset.limits } });
}

/** A user's own limit as it is asked for; without `limit` the one that the user has ends. */
export interface OverrideInput extends Pick<OwnLimit, 'currency' | 'kind' | 'reason'> {
  readonly limit: bigint | undefined;
  readonly until: Micros | undefined;
}

/** Gives a user a limit of its own, or ends it. Refuses USER_NOT_FOUND, and INVALID_FIELD for an end that is not ahead. */
export function putOverride(
  core: LimitCore,
  userId: bigint,
  { limit, until, ...input }: OverrideInput,
  now: Micros,
): Promise<UserLimits> {
  const { currency, kind } = input;
  const own = limit === undefined ? { currency, kind } : { ...input, limit, until: checkUntil(until, now) };
  return changeUser(core, userId, { own });
}

/** Sets the tier of a user. Refuses USER_NOT_FOUND. */
export function setTier(core: LimitCore, userId: bigint, tier: Tier): Promise<UserLimits> {
  return changeUser(core, userId, { tier });
}

async function changeUser(core: LimitCore, userId: bigint, change: UserLimitChange): Promise<UserLimits> {
  if (!(await core.limits.changeUser(userId, change))) throw refuseField('USER_NOT_FOUND', 'user_id');
  return getUserLimits(core, userId);
}
