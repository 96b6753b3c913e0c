// Wallets with their balances: single ones through the cache, everything else from the primary.
import { LRUCache } from 'lru-cache';
import { DEFAULT_WALLET, WALLET } from '../cache/index.ts';
import { balanceAsOfAnywhere } from '../db/archive/reads.ts';
import { findDefaultWallet, findWallets, listWallets, type WalletPlace } from '../db/reads/index.ts';
import type { Account } from '../domain/account.ts';
import type { Page } from '../domain/page.ts';
import type { Micros } from '../domain/time.ts';
import type { ReadSources } from './sources.ts';

/** Reads wallets. Everything throws what Postgres does. */
export interface WalletRepository {
  /** Undefined when there is none with this id. */
  find(id: string): Promise<Account | undefined>;
  /** Undefined when there is no such user. */
  findDefault(userId: bigint): Promise<Account | undefined>;
  /** The wallets with these ids as of one moment; those that do not exist are left out. */
  findMany(ids: readonly string[]): Promise<Account[]>;
  /** A user's wallets, oldest first, one page; the default one is the oldest. */
  list(userId: bigint, after: WalletPlace | undefined, size: number): Promise<Page<Account, WalletPlace>>;
  /** A wallet's balance after all transfers up to and including a moment, in the smallest unit of its currency. */
  balanceAsOf(id: string, at: Micros): Promise<bigint>;
}

/** A user's default wallet never changes, so each process remembers the ids of the latest ones: this many, in some 20 MB. */
const MAX_DEFAULTS = 100_000;

export function createWalletRepository({ cache, primary, archive }: ReadSources): WalletRepository {
  const defaults = new LRUCache<string, string>({ max: MAX_DEFAULTS });

  const find = (id: string) => cache.read(WALLET, id, async () => (await findWallets(primary, [id]))[0]);

  const findDefaultId = async (userId: bigint) => {
    const user = userId.toString();
    const known = defaults.get(user);
    if (known !== undefined) return known;
    const load = async () => (await findDefaultWallet(primary, userId))?.id;
    const id = await cache.read(DEFAULT_WALLET, user, load);
    if (id !== undefined) defaults.set(user, id);
    return id;
  };

  return {
    find,
    findDefault: async (userId) => {
      const id = await findDefaultId(userId);
      return id === undefined ? undefined : find(id);
    },
    findMany: (ids) => findWallets(primary, ids),
    list: (userId, after, size) => listWallets(primary, userId, after, size),
    balanceAsOf: (id, at) => balanceAsOfAnywhere({ reads: primary, archive }, id, at),
  };
}
