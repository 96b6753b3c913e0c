// What is cached: the kinds of entries, how long they live, and how they are written. Being right does not depend on how long
// an entry lives; that bounds memory, and what a double fault costs.
import type { TokenView } from '../db/reads/index.ts';
import type { Account } from '../domain/account.ts';
import type { Room, User } from '../domain/people.ts';
import type { Micros } from '../domain/time.ts';
import type { PostedTransfer } from '../domain/transfer.ts';
import type { EntryKind } from './entry.ts';

const TTL_MS = 5 * 60_000;
/** For what does not exist: anybody can ask for any number of such things, so their entries expire soon. */
const MISSING_TTL_MS = 30_000;

/** Wallets by id. Encoded by hand, because that is done twice for each transfer. */
export const WALLET: EntryKind<Account | undefined> = {
  name: 'wallet1',
  ttlMs: (wallet) => (wallet ? TTL_MS : MISSING_TTL_MS),
  versionOf: (wallet) => wallet?.version ?? 0,
  encode: (wallet) => (wallet ? JSON.stringify(toRow(wallet)) : ''),
  decode: (text) => (text === '' ? undefined : fromRow(JSON.parse(text) as Row)),
};

/** The id of a user's default wallet, by user id. */
export const DEFAULT_WALLET = jsonKind<string>('default-wallet1');

/** A wallet's newest transfers, by wallet id and version: a new transfer makes a new version, so no entry goes stale. */
export const NEWEST_TRANSFERS = jsonKind<readonly PostedTransfer[]>('transactions2');

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
    decode: (text) => (text === '' ? undefined : (JSON.parse(text, decodeBigInt) as T)),
  };
}

/** JSON has no bigint: one becomes an object with this one field, which no value of the domain has. */
const BIGINT = '$bigint';

function encodeBigInt(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? { [BIGINT]: value.toString() } : value;
}

function decodeBigInt(_name: string, value: unknown): unknown {
  const digits =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[BIGINT] : undefined;
  return typeof digits === 'string' ? BigInt(digits) : value;
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
