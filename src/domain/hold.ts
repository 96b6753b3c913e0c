// A hold and its rules: who takes part in it, until when it can be captured, and what is left of it. A gift is a hold whose
// receiver is known and who accepts all of it or declines.
import type { OwnedAnnotation } from './annotation.ts';
import type { Currency } from './currency.ts';
import { mustBeFromTo } from './localized-text.ts';
import { Refusal, refuseField } from './refusal.ts';
import type { Micros } from './time.ts';
import type { TransferKind } from './transfer.ts';

/** What money is set aside for: a payment that is captured, or a gift that is accepted. */
export type HoldKind = 'hold' | 'gift';

/** The transfers of each kind: into the pot, from the pot to the receiver, and back to the wallet. */
export const HOLD_TRANSFERS = {
  hold: { fund: 'hold', pay: 'capture', giveBack: 'void' },
  gift: { fund: 'gift', pay: 'gift_accept', giveBack: 'gift_return' },
} as const satisfies Record<HoldKind, Record<string, TransferKind>>;

/** Every state of a hold. */
export const HOLD_STATES = ['open', 'captured', 'voided', 'declined', 'expired'] as const;

/**
 * The state of a hold: open, or how it ended. An accepted gift is `captured`, one that its sender cancelled is `voided`, and
 * only gifts are `declined`.
 */
export type HoldState = (typeof HOLD_STATES)[number];

/** Who is paid by the captures of a hold. */
export interface HoldReceiver {
  readonly walletId: string;
  readonly userId: bigint;
}

/** Money of a wallet that is set aside. */
export interface Hold {
  readonly id: string;
  readonly kind: HoldKind;
  /** The holder, whose wallet it is on. */
  readonly userId: bigint;
  /** The wallet that the money came from; what is left goes back to it. */
  readonly walletId: string;
  /** The account that holds what is left. */
  readonly potAccountId: string;
  /**
   * Undefined where the holder names who is paid with each capture. Of a gift it has the receiver's default wallet; the
   * receiver may accept it into another one.
   */
  readonly receiver: HoldReceiver | undefined;
  readonly currency: Currency;
  /** What was set aside, in the smallest unit of the currency. */
  readonly amount: bigint;
  readonly capturedAmount: bigint;
  /** As it was written. A hold whose time is over stays `open` until what is left has gone back; see stateAt(). */
  readonly state: HoldState;
  /** What it is for; of a gift the message to its receiver. */
  readonly reason: string;
  readonly createdAt: Micros;
  /** From this moment on it cannot be captured or voided. */
  readonly expiresAt: Micros;
  /** When its pot was emptied for good. */
  readonly closedAt: Micros | undefined;
  /** What the holder attached to it; left out where there is nothing. */
  readonly annotation?: OwnedAnnotation;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** How long a hold can be captured and a gift accepted, in milliseconds: if nothing is asked for, and at least and at most. */
const LIFETIMES_MS = {
  hold: { usual: 7 * DAY_MS, least: MINUTE_MS, most: 90 * DAY_MS },
  gift: { usual: 3 * DAY_MS, least: MINUTE_MS, most: 30 * DAY_MS },
} as const satisfies Record<HoldKind, object>;

/** The lifetime in milliseconds for the one that was asked for. Refuses INVALID_FIELD. */
export function checkLifetime(kind: HoldKind, askedMs: number | undefined): number {
  const { usual, least, most } = LIFETIMES_MS[kind];
  if (askedMs === undefined) return usual;
  if (askedMs >= least && askedMs <= most) return askedMs;
  const seconds = mustBeFromTo(least / 1000, most / 1000);
  throw refuseField('INVALID_FIELD', 'expires_in', {
    en: `${seconds.en} seconds`,
    ko: `초 단위로 ${seconds.ko}`,
  });
}

/** What is still set aside. */
export function remainingOf({ amount, capturedAmount, closedAt }: Hold): bigint {
  return closedAt === undefined ? amount - capturedAmount : 0n;
}

/** The state of a hold as users see it at a moment. */
export function stateAt({ state, expiresAt }: Hold, at: Micros): HoldState {
  return state === 'open' && at >= expiresAt ? 'expired' : state;
}

/** Whether a hold exists for a user: it does for its holder and its receiver. */
export function isPartOf({ userId, receiver }: Hold, who: bigint): boolean {
  return who === userId || who === receiver?.userId;
}

const ENDED = {
  hold: {
    captured: 'HOLD_CAPTURED',
    voided: 'HOLD_VOIDED',
    declined: 'HOLD_VOIDED',
    expired: 'HOLD_EXPIRED',
  },
  gift: {
    captured: 'GIFT_ACCEPTED',
    voided: 'GIFT_CANCELLED',
    declined: 'GIFT_DECLINED',
    expired: 'GIFT_EXPIRED',
  },
} as const satisfies Record<HoldKind, object>;

/**
 * Refuses HOLD_CAPTURED, HOLD_VOIDED and HOLD_EXPIRED for a hold that is not open at this moment, and GIFT_ACCEPTED,
 * GIFT_CANCELLED, GIFT_DECLINED and GIFT_EXPIRED for a gift.
 */
export function checkOpen(hold: Hold, at: Micros): void {
  const state = stateAt(hold, at);
  if (state !== 'open') throw refuseField(ENDED[hold.kind][state], `${hold.kind}_id`);
}

/** Refuses HOLD_AMOUNT_EXCEEDED for a capture of more than is left, and says how much that is. */
export function checkCapture(hold: Hold, amount: bigint): void {
  const remaining = remainingOf(hold);
  if (amount <= remaining) return;
  throw new Refusal('HOLD_AMOUNT_EXCEEDED', {
    violations: [
      {
        field: 'amount',
        description: {
          en: `${remaining} is left of the hold`,
          ko: `남은 보류 금액은 ${remaining}입니다`,
        },
      },
    ],
    metadata: { remaining_minor_units: remaining.toString() },
  });
}
