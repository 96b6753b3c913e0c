// What processes of two releases share in Redis and in the outbox: each reads what the other writes, or leaves it alone.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as kinds from '../../../src/cache/kinds.ts';
import type { Account } from '../../../src/domain/account.ts';
import { JOB_NAMES } from '../../../src/domain/jobs.ts';
import type { Sprinkle } from '../../../src/domain/sprinkle.ts';
import { type Released, unpackReleased } from './released.ts';

type Kinds = Omit<typeof kinds, 'memberId' | 'tokenId'>;

let released: Released;
let old: Kinds;
before(async () => {
  released = await unpackReleased();
  old = await released.load<Kinds>('src/cache/kinds.ts');
});

const [ID, OTHER_ID] = ['00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002'];
const ACCOUNT: Account = {
  id: ID,
  kind: 'wallet',
  currency: 'KRW',
  ownerUserId: 7n,
  isDefault: true,
  displayName: 'n',
  balance: 8n,
  overdraftLimit: 9n,
  heldAmount: 13n,
  restriction: {
    closedAt: 14,
    frozenOutUntil: undefined,
    frozenInUntil: 15,
    userFrozenOutUntil: 16,
    userFrozenInUntil: undefined,
  },
  version: 10,
  createdAt: 11,
  updatedAt: 12,
};
const SPRINKLE: Sprinkle = {
  id: ID,
  roomId: 'r',
  token: 't',
  creatorUserId: 1n,
  sourceAccountId: ID,
  potAccountId: OTHER_ID,
  currency: 'KRW',
  amount: 2n,
  headcount: 3,
  claimedCount: 4,
  createdAt: 5,
  expiresAt: 6,
};

/** What a reader makes of a text; undefined where it refuses it, and asks Postgres. */
function readBy(decode: (text: string) => unknown, text: string): unknown {
  try {
    return decode(text);
  } catch {
    return undefined;
  }
}

/** The fields of a value that differ from those of another; a field that one of them does not know does not count. */
function differences(value: unknown, other: unknown): string[] {
  if (typeof value !== 'object' || value === null || typeof other !== 'object' || other === null)
    return value === other ? [] : ['the value'];
  const known = Object.keys(value).filter((name) => name in other);
  const at = (object: object, name: string) => (object as Record<string, unknown>)[name];
  return known.flatMap((name) =>
    differences(at(value, name), at(other, name)).map((inner) => `${name}: ${inner}`),
  );
}

/** Whether the present reader reads what the released one knows of a value, and the other way round; unread is right, too. */
function misread<T>(oldKind: Kind<T>, kind: Kind<T>, sample: T): string[] {
  const directions = [
    ['what the release wrote', readBy(kind.decode, oldKind.encode(sample))],
    ['what the release reads', readBy(oldKind.decode, kind.encode(sample))],
  ] as const;
  return directions.flatMap(([what, seen]) =>
    seen === undefined ? [] : differences(sample, seen).map((field) => `${what}: ${field}`),
  );
}

interface Kind<T> {
  readonly encode: (value: T) => string;
  readonly decode: (text: string) => T;
}

test('a wallet and a token in the cache are read alike by both, or not at all', () => {
  assert.deepEqual(misread(old.WALLET, kinds.WALLET, ACCOUNT), []);
  assert.deepEqual(misread(old.TOKEN, kinds.TOKEN, { sprinkle: SPRINKLE, leftMs: 7 }), []);
});

test('negative control: fields that changed places are found', () => {
  const swap = (wallet: Account | undefined) =>
    wallet && { ...wallet, balance: wallet.overdraftLimit, overdraftLimit: wallet.balance };
  const swapped: Kind<Account | undefined> = {
    encode: (wallet) => kinds.WALLET.encode(swap(wallet)),
    decode: (text) => swap(kinds.WALLET.decode(text)),
  };
  assert.notDeepEqual(misread(old.WALLET, swapped, ACCOUNT), []);
});

/**
 * A commit marks entries under the names that its process knows. An entry under another name would not be marked by a process
 * of the other release, and stale reads would follow. Lists of transfers carry the version of their wallet instead.
 */
test('what commits mark in the cache has the same names in both', () => {
  const marked = (from: Kinds) =>
    [
      from.WALLET,
      from.DEFAULT_WALLET,
      from.TOKEN,
      from.USER,
      from.ROOM,
      from.MEMBER,
      from.FRIENDS,
      from.MEMBERS,
    ].map(({ name }) => name);
  assert.deepEqual(marked(kinds), marked(old));
});

test('every job of the release is one of this version, so that none of its rows is left lying', async () => {
  const { JOB_NAMES: before } =
    await released.load<typeof import('../../../src/domain/jobs.ts')>('src/domain/jobs.ts');
  assert.ok(before.length > 5);
  assert.deepEqual(
    before.filter((name) => !JOB_NAMES.includes(name)),
    [],
  );
});
