// Wallets of users, from Redis where a copy is right.
import { LRUCache } from 'lru-cache';
import type { Pool } from '../db/pool.ts';
import { findDefaultWallet, findWallets } from '../db/reads/wallets.ts';
import type { Account } from '../domain/account.ts';
import type { Cache, Kind } from '../redis/index.ts';
import { jsonKind } from './json.ts';
import { MISSING_TTL_MS, TTL_MS } from './lifetimes.ts';

/** Reads single wallets. */
export interface Wallets {
  /** Undefined when there is none with this id. */
  find(id: string): Promise<Account | undefined>;
  /** Undefined when there is no such user. */
  findDefault(userId: bigint): Promise<Account | undefined>;
}

/** Wallets by id; written by hand, because it is done twice for each transfer. */
export const WALLET: Kind<Account | undefined> = {
  name: 'wallet1',
  ttlMs: (wallet) => (wallet ? TTL_MS : MISSING_TTL_MS),
  versionOf: (wallet) => wallet?.version ?? 0,
  write: (wallet) => (wallet ? JSON.stringify(toRow(wallet)) : ''),
  read: (text) => (text === '' ? undefined : fromRow(JSON.parse(text) as Row)),
};

/** The id of a user's default wallet; undefined where there is no such user. */
export const DEFAULT_WALLET = jsonKind<string>('default-wallet1');

/** A user's default wallet never changes, so this process remembers the ids of the latest ones: this many, in some 20 MB. */
const MAX_DEFAULTS = 100_000;

/** Reads wallets through the cache. */
export function cachedWallets(cache: Cache, pool: Pool): Wallets {
  const defaults = new LRUCache<string, string>({ max: MAX_DEFAULTS });

  const find = (id: string) => cache.read(WALLET, id, async () => (await findWallets(pool, [id]))[0]);

  const findDefaultId = async (userId: bigint) => {
    const user = userId.toString();
    const known = defaults.get(user);
    if (known !== undefined) return known;
    const id = await cache.read(
      DEFAULT_WALLET,
      user,
      async () => (await findDefaultWallet(pool, userId))?.id,
    );
    if (id !== undefined) defaults.set(user, id);
    return id;
  };

  return {
    find,
    findDefault: async (userId) => {
      const id = await findDefaultId(userId);
      return id === undefined ? undefined : find(id);
    },
  };
}

type Row = [
  id: string,
  currency: Account['currency'],
  owner: string,
  isDefault: boolean,
  displayName: string,
  balance: string,
  overdraftLimit: string,
  version: number,
  createdAt: number,
  updatedAt: number,
];

function toRow(wallet: Account): Row {
  return [
    wallet.id,
    wallet.currency,
    String(wallet.ownerUserId),
    wallet.isDefault,
    wallet.displayName,
    wallet.balance.toString(),
    wallet.overdraftLimit.toString(),
    wallet.version,
    wallet.createdAt,
    wallet.updatedAt,
  ];
}

function fromRow(row: Row): Account {
  const [
    id,
    currency,
    owner,
    isDefault,
    displayName,
    balance,
    overdraftLimit,
    version,
    createdAt,
    updatedAt,
  ] = row;
  return {
    id,
    kind: 'wallet',
    currency,
    ownerUserId: BigInt(owner),
    isDefault,
    displayName,
    balance: BigInt(balance),
    overdraftLimit: BigInt(overdraftLimit),
    version,
    createdAt,
    updatedAt,
  };
}
