// Limits in wallet.v2, shared by its services.
import { type Limit, LimitKind as WireKind } from '../../../gen/ts/wallet/v2/limit.ts';
import type { Currency } from '../../domain/currency.ts';
import type { LimitKind } from '../../domain/limit-policy.ts';
import type { Standing } from '../../domain/limit-standing.ts';
import { toTimestamp } from '../timestamp.ts';
import { toMoney } from './money.ts';

/** Each kind as messages have it. */
export const LIMIT_KINDS_ON_THE_WIRE: Readonly<Record<LimitKind, WireKind>> = {
  held: WireKind.HELD,
  call: WireKind.CALL,
  day_out: WireKind.DAY_OUT,
  day_in: WireKind.DAY_IN,
  month_out: WireKind.MONTH_OUT,
  month_in: WireKind.MONTH_IN,
  day_count: WireKind.DAY_COUNT,
};

/** A limit, and how the user stands against it. */
export function toLimit(currency: Currency, { kind, limit, used, left, resetsAt }: Standing): Limit {
  const common = {
    kind: LIMIT_KINDS_ON_THE_WIRE[kind],
    resetsAt: resetsAt === undefined ? undefined : toTimestamp(resetsAt),
  };
  if (kind === 'day_count') {
    return {
      ...common,
      limit: undefined,
      used: undefined,
      left: undefined,
      countLimit: limit,
      countLeft: left,
    };
  }
  return {
    ...common,
    limit: toMoney(currency, limit),
    used: toMoney(currency, used),
    left: toMoney(currency, left),
    countLimit: 0n,
    countLeft: 0n,
  };
}
