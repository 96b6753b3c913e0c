// What is cached: the kinds of entries, how long they live, and how they are written. Being right does not depend on how long
// an entry lives; that bounds memory, and what a double fault costs.
import type { TokenView } from '../db/reads/index.ts';
import type { Account } from '../domain/account.ts';
import type { Room, User } from '../domain/people.ts';
import type { Restriction } from '../domain/restriction.ts';
import type { Micros } from '../domain/time.ts';
import type { PostedTransfer } from '../domain/transfer.ts';
import type { EntryKind } from './entry.ts';

const TTL_MS = 5 * 60_000;
/** For what does not exist: anybody can ask for any number of such things, so their entries expire soon. */
const MISSING_TTL_MS = 30_000;

/** Wallets by id. Encoded by hand, because a transfer may do that twice. */
export const WALLET: EntryKind<Account | undefined> = {
  name: 'wallet1',
  isPutIfRead: true,
  ttlMs: (wallet) => (wallet ? TTL_MS : MISSING_TTL_MS),
  versionOf: (wallet) => wallet?.version ?? 0,
  encode: (wallet) => (wallet ? JSON.stringify(toRow(wallet)) : ''),
  decode: (text) => (text === '' ? undefined : fromRow(JSON.parse(text) as Row)),
};

/** The id of a user's default wallet, by user id. It may be out of date: what counts is what the wallet's own entry says. */
export const DEFAULT_WALLET = jsonKind<string>('default-wallet1');

/** A wallet's newest transfers, by wallet id and version: a new transfer makes a new version, so no entry goes stale. */
export const NEWEST_TRANSFERS = jsonKind<readonly PostedTransfer[]>('transactions4');

/** The sprinkle that a room's token names. While it can be claimed, its entry expires when that is over. */
export const TOKEN: EntryKind<TokenView | undefined> = {
  ...jsonKind<TokenView>('token1'),
  ttlMs: (token) => {
    if (!token) return MISSING_TTL_MS;
    return token.leftMs === 0 ? TTL_MS : Math.min(TTL_MS, token.leftMs);
  },
  versionOf: (token) => token?.sprinkle.createdAt ?? 0,
};

/** The id of a token's entry: tokens are unique within their room. */
export function tokenId(roomId: string, token: string): string {
  return `${roomId}/${token}`;
}

/** Whether a user has a share of a sprinkle of which nothing changes any more. */
export const FINAL_CLAIM = jsonKind<boolean>('final-claim1');

export const USER = jsonKind<User>('user1');
export const ROOM = jsonKind<Room>('room1');
/** Membership of a user in a room, by `memberId`. */
export const MEMBER = jsonKind<Membership>('member1');
/** Lists hold ids only, and names are read one by one: a new name then has one entry to delete, not one in every list. */
export const FRIENDS = jsonKind<readonly bigint[]>('friends1');
export const MEMBERS = jsonKind<readonly Membership[]>('members1');

/** That a user is in a room, without the user's name. */
export interface Membership {
  readonly userId: bigint;
  readonly joinedAt: Micros;
}

/** The id of a member's entry. */
export function memberId(roomId: string, userId: bigint): string {
  return `${roomId}/${userId}`;
}

/** A kind that is encoded as JSON and has no version of its own; undefined says that there is no such thing. */
function jsonKind<T>(name: string): EntryKind<T | undefined> {
  return {
    name,
    ttlMs: (value) => (value === undefined ? MISSING_TTL_MS : TTL_MS),
    versionOf: () => 0,
    encode: (value) => (value === undefined ? '' : JSON.stringify(value, encodeBigInt)),
    decode: (text) => (text === '' ? undefined : (withBigInts(JSON.parse(text)) as T)),
  };
}

/** JSON has no bigint: one becomes an object with this one field, which no value of the domain has. */
const BIGINT = '$bigint';

function encodeBigInt(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? { [BIGINT]: value.toString() } : value;
}

/**
 * Puts the bigints back into a value that was parsed from JSON, in place. A reviver, which JSON.parse calls for each field of
 * each object, takes three times as long: a page of 20 transfers has 400.
 */
function withBigInts(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) value[index] = withBigInts(value[index]);
    return value;
  }
  const fields = value as Record<string, unknown>;
  const digits = fields[BIGINT];
  if (typeof digits === 'string') return BigInt(digits);
  for (const name of Object.keys(fields)) {
    const field = fields[name];
    if (typeof field === 'object') fields[name] = withBigInts(field);
  }
  return fields;
}

/** A wallet as it is encoded. */
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
  /** Entries from before there were holds lack it; BigInt() throws on them, so they are read from Postgres. */
  heldAmount: string,
  /** Null where there is none. Entries of releases without freezes lack it, and are read from Postgres. */
  restriction: Restriction | null,
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
    wallet.heldAmount.toString(),
    wallet.restriction ?? null,
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
    heldAmount,
    restriction,
  ] = row;
  if (restriction === undefined) throw new RangeError('the entry was written by a release without freezes');
  return {
    id,
    kind: 'wallet',
    currency,
    ownerUserId: BigInt(owner),
    isDefault,
    displayName,
    balance: BigInt(balance),
    overdraftLimit: BigInt(overdraftLimit),
    heldAmount: BigInt(heldAmount),
    restriction: restriction ?? undefined,
    version,
    createdAt,
    updatedAt,
  };
}
