// Which movements of money freezes and closed wallets forbid, and what is said about it to whom. docs/accounts.md has the table,
// and refuse_restricted() in Postgres says the same once more (migration 0170).
import type { Account } from './account.ts';
import { Refusal } from './refusal.ts';
import { frozenUntil, type Way } from './restriction.ts';
import { END_OF_TIME, type Micros } from './time.ts';
import type { TransferKind } from './transfer.ts';

/**
 * Which kinds of movement give money back to the wallet that it was set aside from, or undo another movement. They come in
 * whatever the state of the wallet: otherwise a pot could never be emptied. A refund does so out of a pot only.
 */
const GIVES_BACK: Readonly<Record<TransferKind, boolean | 'from a pot'>> = {
  deposit: false,
  withdrawal: false,
  transfer: false,
  sprinkle: false,
  claim: false,
  refund: 'from a pot',
  payout: false,
  payout_line: false,
  hold: false,
  capture: false,
  void: true,
  gift: false,
  gift_accept: false,
  gift_return: true,
  reversal: true,
};

/** A movement that is about to be made, by the call of a user. */
interface CheckedMovement {
  readonly kind: TransferKind;
  readonly payer: Account;
  readonly payee: Account;
  readonly at: Micros;
  /** The user whose call it is. */
  readonly callerId: bigint | undefined;
}

/**
 * Refuses WALLET_CLOSED and WALLET_FROZEN for a wallet of the caller. Where it is the wallet of somebody else that cannot take
 * the money, refuses RECEIVER_UNAVAILABLE, which doesn't say why.
 */
export function checkRestrictions({ kind, payer, payee, at, callerId }: CheckedMovement): void {
  // Operators reverse transfers of frozen wallets, too: that is often why they are frozen.
  if (kind !== 'reversal') checkMayPay(payer, at);
  const givesBack = GIVES_BACK[kind];
  if (givesBack === true || (givesBack === 'from a pot' && payer.kind !== 'wallet')) return;
  const isOwn = payee.ownerUserId !== undefined && payee.ownerUserId === callerId;
  if (isOwn) refuseRestricted(payee, 'in', at);
  else if (isRestricted(payee, 'in', at)) throw new Refusal('RECEIVER_UNAVAILABLE');
}

/** Refuses WALLET_CLOSED and WALLET_FROZEN for a wallet that may not pay. */
export function checkMayPay(payer: Account, at: Micros): void {
  refuseRestricted(payer, 'out', at);
}

/** Refuses WALLET_CLOSED. */
export function refuseClosed({ id, restriction }: Account): void {
  if (restriction?.closedAt !== undefined)
    throw new Refusal('WALLET_CLOSED', { metadata: { wallet_id: id } });
}

/** Refuses WALLET_FROZEN for a wallet that is frozen in any way. */
export function refuseFrozen(wallet: Account, at: Micros): void {
  refuseRestricted(wallet, 'out', at);
  refuseRestricted(wallet, 'in', at);
}

function isRestricted({ restriction }: Account, way: Way, at: Micros): boolean {
  return (
    restriction !== undefined && (restriction.closedAt !== undefined || frozenUntil(restriction, way) > at)
  );
}

/** Says all that the owner of a wallet may know. */
function refuseRestricted(wallet: Account, way: Way, at: Micros): void {
  const { id, restriction } = wallet;
  if (!restriction || !isRestricted(wallet, way, at)) return;
  refuseClosed(wallet);
  const until = frozenUntil(restriction, way);
  throw new Refusal('WALLET_FROZEN', {
    metadata: {
      wallet_id: id,
      direction: way.toUpperCase(),
      ...(until < END_OF_TIME && { frozen_until: new Date(Math.ceil(until / 1000)).toISOString() }),
    },
  });
}
