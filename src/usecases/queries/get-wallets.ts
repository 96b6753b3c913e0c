// Reads wallets of the acting user with their balances.
import type { WalletPlace } from '../../db/reads/index.ts';
import type { Account } from '../../domain/account.ts';
import { checkCount, MAX_ITEMS } from '../../domain/bounds.ts';
import type { WalletRef } from '../../domain/intent.ts';
import type { Page } from '../../domain/page.ts';
import { REASONS } from '../../domain/reasons.ts';
import { Refusal, refuseField } from '../../domain/refusal.ts';
import type { Core } from '../core.ts';

/** One wallet. Refuses WALLET_NOT_FOUND, also for other users' wallets, and USER_NOT_FOUND. */
export async function getWallet(core: Core, userId: bigint, ref: WalletRef): Promise<Account> {
  if ('defaultOf' in ref) {
    const wallet = await core.wallets.findDefault(ref.defaultOf);
    if (wallet?.ownerUserId !== userId) throw refuseField('USER_NOT_FOUND', ref.field);
    return wallet;
  }
  const wallet = await core.wallets.find(ref.walletId);
  if (wallet?.ownerUserId !== userId) throw refuseField('WALLET_NOT_FOUND', ref.field);
  return wallet;
}

/** Many wallets as of one moment, in the order asked. Refuses WALLET_NOT_FOUND naming each that is not the user's. */
export async function getWallets(
  core: Core,
  userId: bigint,
  ids: readonly string[],
  field: string,
): Promise<Account[]> {
  checkCount(ids.length, MAX_ITEMS, field);
  const found = new Map((await core.wallets.findMany(ids)).map((wallet) => [wallet.id, wallet]));
  const wallets = ids
    .map((id) => found.get(id.toLowerCase()))
    .filter((wallet) => wallet?.ownerUserId === userId);
  if (wallets.length < ids.length) {
    const missing = ids.flatMap((id, index) =>
      found.get(id.toLowerCase())?.ownerUserId === userId ? [] : [index],
    );
    throw new Refusal('WALLET_NOT_FOUND', {
      violations: missing.map((index) => ({
        field: `${field}[${index}]`,
        description: REASONS.WALLET_NOT_FOUND,
      })),
    });
  }
  return wallets as Account[];
}

/** The user's wallets, one page. Refuses USER_NOT_FOUND. */
export async function listOwnWallets(
  core: Core,
  userId: bigint,
  after: WalletPlace | undefined,
  size: number,
): Promise<Page<Account, WalletPlace>> {
  const page = await core.wallets.list(userId, after, size);
  // Every user has a wallet, so an empty first page means that there is no such user.
  if (page.items.length === 0 && !after) throw refuseField('USER_NOT_FOUND', 'x-user-id');
  return page;
}
