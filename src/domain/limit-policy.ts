// Limits on money as data: policies by tier and currency, and users' own limits.
import { Calendar } from './calendar.ts';
import type { Currency } from './currency.ts';
import { refuseField } from './refusal.ts';
import { afterMs, type Micros } from './time.ts';

/** What is known of a user. Users of whom nothing was set are `unverified`. */
export const TIERS = ['unverified', 'verified', 'minor', 'business'] as const;

/** What is known of a user. */
export type Tier = (typeof TIERS)[number];

/**
 * What is limited: what a user holds, the amount of one movement, what goes out and comes in on a day and in a month, and how
 * often money goes out on a day.
 */
export const LIMIT_KINDS = [
  'held',
  'call',
  'day_out',
  'day_in',
  'month_out',
  'month_in',
  'day_count',
] as const;

/** What is limited. */
export type LimitKind = (typeof LIMIT_KINDS)[number];

/** The most of each kind: in the smallest unit of the currency, `day_count` in movements. What is left out is not limited. */
export type Limits = Readonly<Partial<Record<LimitKind, bigint>>>;

/** The limits of the users of a tier in a currency. */
export interface LimitPolicy {
  readonly tier: Tier;
  readonly currency: Currency;
  readonly limits: Limits;
}

/** A user's own limit, which takes the place of the policy's until it ends. */
export interface OwnLimit {
  readonly currency: Currency;
  readonly kind: LimitKind;
  readonly limit: bigint;
  /** The first moment at which it no longer holds. */
  readonly until: Micros;
  readonly reason: string;
}

/** What sets a user apart from others. */
export interface UserLimits {
  readonly tier: Tier;
  readonly own: readonly OwnLimit[];
}

/** What is changed of a user: the tier, or one own limit; without `limit`, that one ends. */
export type UserLimitChange =
  | { readonly tier: Tier }
  | { readonly own: OwnLimit | Pick<OwnLimit, 'currency' | 'kind'> };

/** Users of whom nothing was set. */
export const NOTHING_SET: UserLimits = { tier: 'unverified', own: [] };

/** The longest that a user's own limit is given for, in milliseconds: 366 days. */
const MOST_OWN_LIMIT_MS = 366 * 24 * 60 * 60_000;

/** Refuses INVALID_FIELD for an own limit that ends at once or much later: an exception has an end. */
export function checkUntil(until: Micros | undefined, now: Micros): Micros {
  if (until !== undefined && until > now && until <= afterMs(now, MOST_OWN_LIMIT_MS)) return until;
  throw refuseField('INVALID_FIELD', 'until', {
    en: 'must be in the future and at most 366 days ahead',
    ko: '지금보다 뒤이고 366일 이내여야 합니다',
  });
}

const NO_LIMITS: Limits = {};

/** The policies that are in force together. */
export class LimitPolicies {
  /** New with every change of any policy. */
  readonly id: string;
  /** The days and months that count. */
  readonly calendar: Calendar;
  readonly #limits = new Map<Tier, Map<Currency, Limits>>();

  /** `timeZone` is a name of the IANA database. */
  constructor(id: string, timeZone: string, policies: Iterable<LimitPolicy>) {
    this.id = id;
    this.calendar = new Calendar(timeZone);
    for (const { tier, currency, limits } of policies) {
      this.#limits.set(tier, (this.#limits.get(tier) ?? new Map()).set(currency, limits));
    }
  }

  /** The limits of a user in a currency at a moment. */
  limitsOf({ tier, own }: UserLimits, currency: Currency, at: Micros): Limits {
    const limits = this.#limits.get(tier)?.get(currency) ?? NO_LIMITS;
    if (own.length === 0) return limits;
    const live = own.filter((one) => one.currency === currency && at < one.until);
    return { ...limits, ...Object.fromEntries(live.map(({ kind, limit }) => [kind, limit])) };
  }
}

/** What a process knows of the policies. Each batch compares it with the database, and replaces it where it is old. */
export interface KnownPolicies {
  /** Undefined where none is in force. */
  current: LimitPolicies | undefined;
}

/**
 * Ready-made limits, none of which is in force by itself. They follow how Korean law on prepaid means of payment bounds what a
 * user may hold (Electronic Financial Transactions Act, article 23, and its enforcement decree, article 13). Counsel must
 * confirm the figures before they are used.
 */
export const PRESETS = {
  'kr-prepaid-named': { tier: 'verified', currency: 'KRW', limits: { held: 2_000_000n } },
  'kr-prepaid-unnamed': { tier: 'unverified', currency: 'KRW', limits: { held: 500_000n } },
} as const satisfies Record<string, LimitPolicy>;

/** The name of a preset. */
export type PresetName = keyof typeof PRESETS;
