// What a wallet has moved today and this month, and which movements count.
import type { Calendar } from './calendar.ts';
import type { Micros } from './time.ts';
import type { TransferKind } from './transfer.ts';

/** What went out of a wallet and came in, on the day and in the month of its last transfer. */
export interface Usage {
  /** The first moments of that day and that month; 0 for a wallet without transfers. */
  readonly day: Micros;
  readonly month: Micros;
  readonly dayOut: bigint;
  readonly dayIn: bigint;
  /** How often something went out. */
  readonly dayCount: bigint;
  readonly monthOut: bigint;
  readonly monthIn: bigint;
  /** Whether the wallet may have filled pots of sprinkles or payouts that still hold something. */
  readonly hasPots: boolean;
}

/** A wallet with what it has moved, where that was counted, and the moment of its last transfer. */
export interface CountedWallet {
  readonly usage?: Usage;
  readonly updatedAt: Micros;
}

/** What a user has moved on a day and in a month. */
export type Moved = Pick<Usage, 'dayOut' | 'dayIn' | 'dayCount' | 'monthOut' | 'monthIn'>;

export const NOTHING_MOVED: Moved = { dayOut: 0n, dayIn: 0n, dayCount: 0n, monthOut: 0n, monthIn: 0n };

/** How a kind of movement counts for the users on both of its sides. */
interface Counts {
  /** It goes out of the payer's wallets; out of a pot it went when that was filled. */
  readonly out: boolean;
  /** It comes in for the payee. */
  readonly in: boolean;
}

const OUT: Counts = { out: true, in: false };
const IN: Counts = { out: false, in: true };
/** Returns and refunds: they are never refused for a limit, and give nothing back of what was used. */
const NOT_COUNTED: Counts = { out: false, in: false };

/** How each kind counts. count_usage() in Postgres says the same (migration 0290). */
export const COUNTED: Readonly<Record<TransferKind, Counts>> = {
  deposit: IN,
  withdrawal: OUT,
  transfer: { out: true, in: true },
  sprinkle: OUT,
  claim: IN,
  refund: NOT_COUNTED,
  payout: OUT,
  payout_line: IN,
  hold: OUT,
  capture: IN,
  void: NOT_COUNTED,
  gift: OUT,
  gift_accept: IN,
  gift_return: NOT_COUNTED,
  reversal: NOT_COUNTED,
};

/** Whether a usage is that of the day and the month of a moment. */
export function isOf({ day, month }: Usage, moment: Micros, calendar: Calendar): boolean {
  return day === calendar.day(moment).start && month === calendar.month(moment).start;
}

/**
 * What was moved on the day and in the month of a moment, which is not before the wallet's last transfer: nothing, once that lies
 * in an earlier one. Undefined where that is not known: it was not counted yet, the time zone was changed, or the wallet is dated
 * ahead into another day.
 */
export function usageAt(
  { usage, updatedAt }: CountedWallet,
  moment: Micros,
  calendar: Calendar,
): Usage | undefined {
  if (!usage) return undefined;
  const day = calendar.day(moment).start;
  const month = calendar.month(moment).start;
  if (usage.day === day && usage.month === month) return usage;
  const isUnused = usage.day === 0;
  const [isDayOver, isMonthOver] = [isUnused || updatedAt < day, isUnused || updatedAt < month];
  if ((usage.day !== day && !isDayOver) || (usage.month !== month && !isMonthOver)) return undefined;
  return {
    ...usage,
    day,
    month,
    ...(isDayOver && { dayOut: 0n, dayIn: 0n, dayCount: 0n }),
    ...(isMonthOver && { monthOut: 0n, monthIn: 0n }),
  };
}

/** The usage after `amount` has gone out, into a pot or to somebody else. */
export function afterOut(usage: Usage, amount: bigint, fillsPot: boolean): Usage {
  const { day, month, dayOut, dayIn, dayCount, monthOut, monthIn, hasPots } = usage;
  return {
    day,
    month,
    dayOut: dayOut + amount,
    dayIn,
    dayCount: dayCount + 1n,
    monthOut: monthOut + amount,
    monthIn,
    hasPots: hasPots || fillsPot,
  };
}

/** The usage after `amount` has come in. */
export function afterIn(usage: Usage, amount: bigint): Usage {
  const { day, month, dayOut, dayIn, dayCount, monthOut, monthIn, hasPots } = usage;
  return {
    day,
    month,
    dayOut,
    dayIn: dayIn + amount,
    dayCount,
    monthOut,
    monthIn: monthIn + amount,
    hasPots,
  };
}

/** What several wallets have moved together. */
export function together(one: Moved, other: Moved): Moved {
  return {
    dayOut: one.dayOut + other.dayOut,
    dayIn: one.dayIn + other.dayIn,
    dayCount: one.dayCount + other.dayCount,
    monthOut: one.monthOut + other.monthOut,
    monthIn: one.monthIn + other.monthIn,
  };
}
