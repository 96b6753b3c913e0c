// When a wallet may be closed.
import type { Account } from './account.ts';
import { refuseFrozen } from './movement-rules.ts';
import { Refusal, refuseField } from './refusal.ts';
import type { Micros } from './time.ts';

/** What closing a wallet depends on besides the wallet itself. */
export interface ClosingFacts {
  /** Whether money of it lies in a hold, a sprinkle or a payout that is under way: what is left comes back into it. */
  readonly hasOpenPots: boolean;
  /** How many other wallets its user has that are not closed. */
  readonly openBeside: number;
}

/**
 * Refuses WALLET_NOT_EMPTY and WALLET_IN_USE for a wallet that has money or will get some back; WALLET_IS_DEFAULT while the user
 * has other wallets, one of which has to take its place first; and to its owner WALLET_FROZEN, because what a freeze is about
 * has to stay as it is. Operators may close a frozen wallet.
 */
export function checkClosing(
  wallet: Account,
  { hasOpenPots, openBeside }: ClosingFacts,
  { at, isByOwner }: { readonly at: Micros; readonly isByOwner: boolean },
): void {
  if (isByOwner) refuseFrozen(wallet, at);
  if (wallet.balance !== 0n) {
    throw new Refusal('WALLET_NOT_EMPTY', { metadata: { balance_minor_units: wallet.balance.toString() } });
  }
  if (hasOpenPots || wallet.heldAmount !== 0n) throw new Refusal('WALLET_IN_USE');
  if (wallet.isDefault && openBeside > 0) throw refuseField('WALLET_IS_DEFAULT', 'wallet_id');
}
