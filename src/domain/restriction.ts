// What keeps money from moving: freezes of a wallet or of its user, and that a wallet is closed.
//
// It lies in the wallet's row, which every movement locks, so it holds from the next commit on. movement-rules.ts and docs/accounts.md have the rules.
import type { Micros } from './time.ts';

/**
 * The restriction of a wallet. Of a freeze it has the end: END_OF_TIME where it has none, undefined where there is no freeze.
 * A freeze whose end has passed restricts nothing any more.
 */
export interface Restriction {
  readonly closedAt: Micros | undefined;
  /** Freezes of this wallet. */
  readonly frozenOutUntil: Micros | undefined;
  readonly frozenInUntil: Micros | undefined;
  /** Freezes of its user, which each of the user's wallets has. */
  readonly userFrozenOutUntil: Micros | undefined;
  readonly userFrozenInUntil: Micros | undefined;
}

const NO_RESTRICTION: Restriction = {
  closedAt: undefined,
  frozenOutUntil: undefined,
  frozenInUntil: undefined,
  userFrozenOutUntil: undefined,
  userFrozenInUntil: undefined,
};

/** Every state of a wallet as its user sees it. */
export type WalletState = 'open' | 'frozen-out' | 'frozen-in' | 'frozen' | 'closed';

/** The state of a wallet at a moment. */
export function walletStateAt(restriction: Restriction | undefined, at: Micros): WalletState {
  if (!restriction) return 'open';
  if (restriction.closedAt !== undefined) return 'closed';
  const [out, into] = [frozenUntil(restriction, 'out') > at, frozenUntil(restriction, 'in') > at];
  if (out && into) return 'frozen';
  if (out) return 'frozen-out';
  return into ? 'frozen-in' : 'open';
}

/** What a new wallet takes over from another wallet of its user: the freezes of the user. */
export function inheritedBy(restriction: Restriction | undefined): Restriction | undefined {
  const { userFrozenOutUntil, userFrozenInUntil } = restriction ?? {};
  if (userFrozenOutUntil === undefined && userFrozenInUntil === undefined) return undefined;
  return { ...NO_RESTRICTION, userFrozenOutUntil, userFrozenInUntil };
}

/** The restriction of a wallet that is closed besides. */
export function closedWith(restriction: Restriction | undefined, at: Micros): Restriction {
  return { ...NO_RESTRICTION, ...restriction, closedAt: at };
}

/** Which way a freeze keeps money from moving. */
export type Way = 'out' | 'in';

/** When the freezes that keep money from moving this way are over; 0 where there are none. */
export function frozenUntil(restriction: Restriction, way: Way): Micros {
  const { frozenOutUntil, frozenInUntil, userFrozenOutUntil, userFrozenInUntil } = restriction;
  return way === 'out'
    ? Math.max(frozenOutUntil ?? 0, userFrozenOutUntil ?? 0)
    : Math.max(frozenInUntil ?? 0, userFrozenInUntil ?? 0);
}
