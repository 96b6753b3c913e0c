// Reads the balance of a wallet of the acting user, now or at a moment in the past.
import type { Money } from '../../domain/currency.ts';
import type { WalletRef } from '../../domain/intent.ts';
import type { Micros } from '../../domain/time.ts';
import type { Core } from '../core.ts';
import { getWallet } from './get-wallets.ts';

/** Refuses WALLET_NOT_FOUND, USER_NOT_FOUND. */
export async function getBalance(
  core: Core,
  userId: bigint,
  ref: WalletRef,
  asOf: Micros | undefined,
): Promise<Money> {
  const wallet = await getWallet(core, userId, ref);
  const amount = asOf === undefined ? wallet.balance : await core.wallets.balanceAsOf(wallet.id, asOf);
  return { currency: wallet.currency, amount };
}
