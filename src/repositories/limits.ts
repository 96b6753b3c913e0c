// Limit policies, and what was set for users, for operators.
import {
  changeUserLimits,
  deletePolicy,
  listPolicies,
  putPolicy,
  readUserLimits,
} from '../db/limits/index.ts';
import type { Pool } from '../db/pool.ts';
import type { Currency } from '../domain/currency.ts';
import type { LimitPolicy, Tier, UserLimitChange, UserLimits } from '../domain/limit-policy.ts';

/** Reads and changes limits. A change refuses UNAVAILABLE where batches under way did not end within seconds. */
export interface LimitRepository {
  policies(): Promise<{ readonly policies: LimitPolicy[]; readonly timeZone: string }>;
  /** Puts a policy into force; it holds for every batch that commits from then on. */
  put(policy: LimitPolicy): Promise<void>;
  /** Takes a policy out of force; returns whether there was one. */
  delete(tier: Tier, currency: Currency): Promise<boolean>;
  /** Undefined when there is no such user. */
  ofUser(userId: bigint): Promise<UserLimits | undefined>;
  /** Returns whether there is such a user. */
  changeUser(userId: bigint, change: UserLimitChange): Promise<boolean>;
}

/** `timeZone` becomes that of all policies with the next one that is put. */
export function createLimitRepository(pool: Pool, timeZone: string): LimitRepository {
  return {
    policies: () => listPolicies(pool),
    put: (policy) => putPolicy(pool, policy, timeZone),
    delete: (tier, currency) => deletePolicy(pool, tier, currency, timeZone),
    ofUser: (userId) => readUserLimits(pool, userId),
    changeUser: (userId, change) => changeUserLimits(pool, userId, change),
  };
}
