// What the model knows: what is set aside, payments, sprinkles, and what is set for users.

/** A hold or a gift. Users are numbered from 0. */
export interface SetAside {
  readonly kind: 'hold' | 'gift';
  id: string;
  readonly from: number;
  /** Undefined where the holder names the receiver with each capture. */
  readonly to: number | undefined;
  readonly amount: number;
  captured: number;
  left: number;
  state: 'open' | 'captured' | 'voided' | 'declined' | 'expired';
}

/** A payment that its receiver can refund. */
export interface Payment {
  id: string;
  readonly payer: number;
  readonly to: number;
  /** Whether the money came out of a pot, so that only its receiver sees the transfer. */
  readonly isFromPot: boolean;
  readonly amount: number;
  refunded: number;
}

/** A sprinkle. */
export interface Sprinkle {
  id: string;
  token: string;
  readonly from: number;
  left: number;
  sharesLeft: number;
  claimers: ReadonlySet<number>;
  isExpired: boolean;
  isCancelled: boolean;
}

/** A line of a payout, and whether it was paid. */
export interface Line {
  readonly to: number;
  readonly amount: number;
}

/** What a user may move with one call, hold altogether, and move on the day, in which the whole run lies; undefined for no limit. */
export interface UserLimits {
  call?: number | undefined;
  held?: number | undefined;
  dayOut?: number | undefined;
  dayIn?: number | undefined;
  dayCount?: number | undefined;
}

/** What a user has moved on the day, and how often something went out. */
export interface Moved {
  readonly out: number;
  readonly in: number;
  readonly count: number;
}

/** Which way the money of a user is frozen. */
export interface Frozen {
  readonly out: boolean;
  readonly in: boolean;
}
