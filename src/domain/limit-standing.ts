// How a user stands against its limits: what is used and left of each, and the refusals for going above one.
import type { Calendar } from './calendar.ts';
import type { Currency } from './currency.ts';
import { LIMIT_KINDS, type LimitKind, type Limits } from './limit-policy.ts';
import { Refusal } from './refusal.ts';
import { MICROS_PER_MS, type Micros } from './time.ts';
import type { Moved } from './usage.ts';

/** How a user stands against one limit, in the smallest unit of a currency or, for `day_count`, in movements. */
export interface Standing {
  readonly kind: LimitKind;
  readonly limit: bigint;
  /** At most MOST_SHOWN. */
  readonly used: bigint;
  /** Zero where more is used than the limit allows: it was lowered. */
  readonly left: bigint;
  /** When the day or the month is over; undefined for limits that go by no period. */
  readonly resetsAt: Micros | undefined;
}

/** A limit of a user that refused something. */
export interface ReachedLimit {
  readonly userId: bigint;
  readonly currency: Currency;
  readonly kind: LimitKind;
  readonly limit: bigint;
  /** The first moment of the day on which it did. */
  readonly day: Micros;
  /** As Standing has it. */
  readonly resetsAt: Micros | undefined;
}

/** The most that answers can show, and as much as a limit can be. A user may have moved more. */
const MOST_SHOWN = 2n ** 63n - 1n;

/** How a user that holds and has moved this much stands against its limits at a moment. */
export function standings(
  limits: Limits,
  held: bigint,
  moved: Moved,
  calendar: Calendar,
  at: Micros,
): Standing[] {
  const used: Record<LimitKind, bigint> = {
    held,
    call: 0n,
    day_out: moved.dayOut,
    day_in: moved.dayIn,
    month_out: moved.monthOut,
    month_in: moved.monthIn,
    day_count: moved.dayCount,
  };
  return LIMIT_KINDS.flatMap((kind) => {
    const limit = limits[kind];
    return limit === undefined ? [] : [standing(kind, limit, used[kind], calendar, at)];
  });
}

function standing(kind: LimitKind, limit: bigint, used: bigint, calendar: Calendar, at: Micros): Standing {
  return {
    kind,
    limit,
    used: used < MOST_SHOWN ? used : MOST_SHOWN,
    left: used < limit ? limit - used : 0n,
    resetsAt: resetsAt(kind, calendar, at),
  };
}

/** When the period of a limit is over that a moment lies in; undefined for limits that go by none. */
export function resetsAt(kind: LimitKind, calendar: Calendar, at: Micros): Micros | undefined {
  if (kind.startsWith('day_')) return calendar.day(at).end;
  return kind.startsWith('month_') ? calendar.month(at).end : undefined;
}

/** Whether a movement of the caller's own money, or of money that comes to it, is above a limit of the caller. */
export interface Checked {
  readonly kind: LimitKind;
  readonly limit: bigint;
  readonly used: bigint;
}

/**
 * The refusal for going above a limit. Its user learns how it stands: LIMIT_EXCEEDED, or HOLDING_LIMIT_REACHED. The other side
 * learns only that the receiver cannot take the amount: RECEIVER_LIMIT_REACHED.
 */
export function limitRefusal(
  { kind, limit, used }: Checked,
  isOwn: boolean,
  calendar: Calendar,
  at: Micros,
): Refusal {
  if (!isOwn) return new Refusal('RECEIVER_LIMIT_REACHED');
  const { left, resetsAt: resets } = standing(kind, limit, used, calendar, at);
  const unit = kind === 'day_count' ? 'count' : 'minor_units';
  return new Refusal(kind === 'held' ? 'HOLDING_LIMIT_REACHED' : 'LIMIT_EXCEEDED', {
    metadata: {
      limit_kind: `LIMIT_KIND_${kind.toUpperCase()}`,
      [`limit_${unit}`]: limit.toString(),
      [`left_${unit}`]: left.toString(),
      ...(resets !== undefined && { resets_at: new Date(resets / MICROS_PER_MS).toISOString() }),
    },
  });
}
