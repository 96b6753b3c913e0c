// admin.v1.LimitService: limits on what users hold and move, for operators.
import {
  type DeletePolicyRequest,
  LimitServiceService,
  type LimitPolicy as WirePolicy,
} from '../../../gen/ts/admin/v1/limit_service.ts';
import type { LimitKind as WireKind } from '../../../gen/ts/wallet/v2/limit.ts';
import type { AuditTrail } from '../../domain/act.ts';
import { parseCurrency } from '../../domain/currency.ts';
import {
  LIMIT_KINDS,
  type LimitPolicy,
  PRESETS,
  type PresetName,
  TIERS,
  type Tier,
  type UserLimits,
} from '../../domain/limit-policy.ts';
import { IS_REQUIRED, mustBeOneOf } from '../../domain/localized-text.ts';
import { refuseField } from '../../domain/refusal.ts';
import { MICROS_PER_MS } from '../../domain/time.ts';
import {
  type AdminCore,
  applyPreset,
  deletePolicy,
  findPolicy,
  getPolicy,
  getUserLimits,
  listPolicies,
  putOverride,
  putPolicy,
  setTier,
} from '../../usecases/index.ts';
import type { Handlers } from '../handlers.ts';
import { toExactMoment, toTimestamp } from '../timestamp.ts';
import { LIMIT_KINDS_ON_THE_WIRE } from '../v2/index.ts';
import { withAudit } from './audit-calls.ts';

const NOTE =
  'Counsel must confirm the figures: they follow how Korean law on prepaid means of payment was read, and are no legal advice.';

/** The handlers of admin.v1.LimitService, with every call on the audit trail. */
export const limitService = (core: AdminCore, trail: AuditTrail): Handlers<typeof LimitServiceService> =>
  withAudit(LimitServiceService, handlers(core), trail, (target) => stateOf(core, target));

const handlers = (core: AdminCore): Handlers<typeof LimitServiceService> => ({
  async putPolicy({ policy }) {
    if (!policy) throw refuseField('INVALID_FIELD', 'policy', IS_REQUIRED);
    return { policy: toWirePolicy(await putPolicy(core, parsePolicy(policy))) };
  },

  async getPolicy(request) {
    const { tier, currency } = parseTarget(request);
    return { policy: toWirePolicy(await getPolicy(core, tier, currency)) };
  },

  async listPolicies() {
    const { policies, timeZone } = await listPolicies(core);
    return { policies: policies.map(toWirePolicy), timeZone };
  },

  async deletePolicy(request) {
    const { tier, currency } = parseTarget(request);
    await deletePolicy(core, tier, currency);
    return {};
  },

  async applyPreset({ name }) {
    return { policy: toWirePolicy(await applyPreset(core, parsePreset(name))), note: NOTE };
  },

  async getUserLimits({ userId }) {
    return { userLimits: toWireUser(userId, await getUserLimits(core, userId)) };
  },

  async putOverride({ userId, currencyCode, kind, limit, reason, until }) {
    const input = {
      currency: parseCurrency(currencyCode, 'currency_code'),
      kind: parseKind(kind),
      limit,
      reason,
      until: toExactMoment(until, 'until'),
    };
    const now = Date.now() * MICROS_PER_MS;
    return { userLimits: toWireUser(userId, await putOverride(core, userId, input, now)) };
  },

  async setTier({ userId, tier }) {
    return { userLimits: toWireUser(userId, await setTier(core, userId, parseTier(tier, 'tier'))) };
  },
});

/** The state of what a line of the audit trail is about: a policy as `tier/currency`, or a user by its id. */
async function stateOf(core: AdminCore, target: string): Promise<object | undefined> {
  const [tier = '', currency] = target.split('/');
  if (currency === undefined) {
    const user = await getUserLimits(core, BigInt(tier)).catch(() => undefined);
    return user && { ...user, own: user.own.map((own) => ({ ...own, limit: own.limit.toString() })) };
  }
  const policy = await findPolicy(core, tier, currency);
  return (
    policy &&
    Object.fromEntries(Object.entries(policy.limits).map(([kind, limit]) => [kind, limit?.toString()]))
  );
}

function parsePolicy({ tier, currencyCode, ...limits }: WirePolicy): LimitPolicy {
  const { held, call, dayOut, dayIn, monthOut, monthIn, dayCount } = limits;
  const given = {
    ...{ held, call, day_out: dayOut, day_in: dayIn },
    ...{ month_out: monthOut, month_in: monthIn, day_count: dayCount },
  };
  return {
    tier: parseTier(tier, 'policy.tier'),
    currency: parseCurrency(currencyCode, 'policy.currency_code'),
    limits: Object.fromEntries(Object.entries(given).filter(([, limit]) => limit !== undefined)),
  };
}

function toWirePolicy({ tier, currency, limits }: LimitPolicy): WirePolicy {
  return {
    tier,
    currencyCode: currency,
    held: limits.held,
    call: limits.call,
    dayOut: limits.day_out,
    dayIn: limits.day_in,
    monthOut: limits.month_out,
    monthIn: limits.month_in,
    dayCount: limits.day_count,
  };
}

function toWireUser(userId: bigint, { tier, own }: UserLimits) {
  return {
    userId,
    tier,
    overrides: own.map(({ currency, kind, limit, reason, until }) => ({
      currencyCode: currency,
      kind: LIMIT_KINDS_ON_THE_WIRE[kind],
      limit,
      reason,
      until: toTimestamp(until),
    })),
  };
}

function parseTarget({ tier, currencyCode }: Pick<DeletePolicyRequest, 'tier' | 'currencyCode'>) {
  return { tier: parseTier(tier, 'tier'), currency: parseCurrency(currencyCode, 'currency_code') };
}

function parseTier(tier: string, field: string): Tier {
  const found = TIERS.find((known) => known === tier);
  if (!found) throw refuseField('INVALID_FIELD', field, mustBeOneOf(TIERS));
  return found;
}

function parsePreset(name: string): PresetName {
  const names = Object.keys(PRESETS) as PresetName[];
  const found = names.find((known) => known === name);
  if (!found) throw refuseField('INVALID_FIELD', 'name', mustBeOneOf(names));
  return found;
}

function parseKind(kind: WireKind) {
  const found = LIMIT_KINDS.find((known) => LIMIT_KINDS_ON_THE_WIRE[known] === kind);
  if (!found) throw refuseField('INVALID_FIELD', 'kind', IS_REQUIRED);
  return found;
}
