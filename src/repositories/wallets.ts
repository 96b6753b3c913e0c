// Wallets with their balances: single ones through the cache, everything else from the primary.
import { LRUCache } from 'lru-cache';
import { DEFAULT_WALLET, WALLET } from '../cache/index.ts';
import { balanceAsOfAnywhere } from '../db/archive/index.ts';
import {
  findDefaultWallet,
  findLastChange,
  findWallets,
  listWallets,
  type WalletPlace,
} from '../db/reads/index.ts';
import { SETTLED_AFTER_MS } from '../db/timeouts.ts';
import type { Account } from '../domain/account.ts';
import type { Page } from '../domain/page.ts';
import { MICROS_PER_MS, type Micros } from '../domain/time.ts';
import type { ReadSources } from './sources.ts';

/** Reads wallets. Everything throws what Postgres does. */
export interface WalletRepository {
  /** Undefined when there is none with this id. */
  find(id: string): Promise<Account | undefined>;
  /** Undefined when there is no such user. */
  findDefault(userId: bigint): Promise<Account | undefined>;
  /** The wallets with these ids as of one moment; those that do not exist are left out. */
  findMany(ids: readonly string[]): Promise<Account[]>;
  /** A user's wallets, the default one first, then oldest first, one page. */
  list(userId: bigint, after: WalletPlace | undefined, size: number): Promise<Page<Account, WalletPlace>>;
  /**
   * The time, the moment before which all that changes the wallet has been committed, and that of its last change; undefined
   * when there is none with this id.
   */
  settled(id: string): Promise<Settled | undefined>;
  /** A wallet's balance after all transfers up to and including a moment, in the smallest unit of its currency. */
  balanceAsOf(id: string, at: Micros): Promise<bigint>;
}

/** Up to when nothing can be added to what happened with a wallet. */
export interface Settled {
  readonly now: Micros;
  readonly settled: Micros;
  readonly lastChange: Micros;
}

/**
 * A user's default wallet hardly ever changes, so each process remembers the ids of the latest ones: this many, in some 20 MB.
 * A wallet that is no longer the default one is read again from the primary.
 */
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
      const wallet = id === undefined ? undefined : await find(id);
      if (!wallet || wallet.isDefault) return wallet;
      const current = await findDefaultWallet(primary, userId);
      if (current) defaults.set(userId.toString(), current.id);
      return current;
    },
    findMany: (ids) => findWallets(primary, ids),
    list: (userId, after, size) => listWallets(primary, userId, after, size),
    settled: async (id) => {
      const found = await findLastChange(primary, id);
      if (!found) return undefined;
      const { now, lastChange, isFree } = found;
      return { now, lastChange, settled: isFree ? now - SETTLED_AFTER_MS * MICROS_PER_MS : lastChange };
    },
    balanceAsOf: (id, at) => balanceAsOfAnywhere({ reads: primary, archive }, id, at),
  };
}
