// The rules of sprinkles: who may claim, until when, who may read them, and what is refunded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Account } from '../../src/domain/account.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import {
  checkClaim,
  checkSplit,
  mayLookUp,
  refundDue,
  type Sprinkle,
  stateOf,
} from '../../src/domain/sprinkle.ts';
import { MICROS_PER_MS } from '../../src/domain/time.ts';

const MINUTES = 60_000 * MICROS_PER_MS;
const DAY_MS = 86_400_000;
const CREATED = 1_790_000_000_000_000;

const sprinkle: Sprinkle = {
  id: 'a',
  roomId: 'demo',
  token: 'abc',
  creatorUserId: 1001n,
  sourceAccountId: 'source',
  potAccountId: 'pot',
  currency: 'KRW',
  amount: 1000n,
  headcount: 3,
  claimedCount: 1,
  createdAt: CREATED,
  expiresAt: CREATED + 10 * MINUTES,
};

const pot = (balance: bigint): Account => ({
  id: 'pot',
  kind: 'sprinkle',
  currency: 'KRW',
  ownerUserId: undefined,
  isDefault: false,
  displayName: '',
  balance,
  overdraftLimit: 0n,
  heldAmount: 0n,
  restriction: undefined,
  version: 1,
  createdAt: CREATED,
  updatedAt: CREATED,
});

const refuses = (reason: string, decide: () => unknown) =>
  assert.throws(decide, (error) => error instanceof Refusal && error.reason === reason);

const member = { userId: 1002n, isMember: true, hasClaimed: false };
const soon = CREATED + MINUTES;

test('a member may claim while the sprinkle lives, to the last microsecond', () => {
  assert.equal(checkClaim(sprinkle, member, soon), sprinkle);
  assert.equal(checkClaim(sprinkle, member, sprinkle.expiresAt - 1), sprinkle);
  refuses('SPRINKLE_EXPIRED', () => checkClaim(sprinkle, member, sprinkle.expiresAt));
});

test('refused: the creator, a second time, an empty one', () => {
  refuses('OWN_SPRINKLE', () => checkClaim(sprinkle, { ...member, userId: 1001n }, soon));
  refuses('ALREADY_CLAIMED', () => checkClaim(sprinkle, { ...member, hasClaimed: true }, soon));
  refuses('SPRINKLE_EMPTY', () => checkClaim({ ...sprinkle, claimedCount: 3 }, member, soon));
});

test('outside the room a sprinkle is the same as none: same reason, same field, whatever its state', () => {
  const outsider = { ...member, isMember: false };
  const words = (found: Sprinkle | undefined, at: number) => {
    try {
      checkClaim(found, outsider, at);
    } catch (error) {
      if (error instanceof Refusal) return JSON.stringify([error.reason, error.violations]);
    }
    return 'not refused';
  };
  const none = words(undefined, soon);
  assert.match(none, /SPRINKLE_NOT_FOUND/);
  assert.equal(words(sprinkle, soon), none);
  assert.equal(words(sprinkle, sprinkle.expiresAt), none);
  assert.equal(words({ ...sprinkle, creatorUserId: outsider.userId }, soon), none);
});

test('a split needs at least one smallest unit for each share', () => {
  checkSplit(3n, 3);
  refuses('HEADCOUNT_ABOVE_AMOUNT', () => checkSplit(2n, 3));
});

test('its creator and the members of its room may look it up, and only for 7 days', () => {
  const anna = { userId: 1001n, isMember: false };
  const stranger = { userId: 1002n, isMember: false };
  const lookupMs = 7 * DAY_MS;
  const lastMoment = CREATED + lookupMs * MICROS_PER_MS - 1;
  assert.equal(mayLookUp(sprinkle, anna, lastMoment, lookupMs), true);
  assert.equal(mayLookUp(sprinkle, anna, lastMoment + 1, lookupMs), false);
  assert.equal(mayLookUp(sprinkle, stranger, soon, lookupMs), false);
  assert.equal(mayLookUp(sprinkle, { ...stranger, isMember: true }, soon, lookupMs), true);
});

test('a state is live, then expired; claimed to the last share it is empty for good', () => {
  assert.equal(stateOf(sprinkle, soon), 'live');
  assert.equal(stateOf(sprinkle, sprinkle.expiresAt), 'expired');
  assert.equal(stateOf({ ...sprinkle, claimedCount: 3 }, soon), 'empty');
  assert.equal(stateOf({ ...sprinkle, claimedCount: 3 }, sprinkle.expiresAt), 'empty');
});

test('a refund is what is left in the pot after expiry, and nothing before', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 1000n }), fc.integer({ min: -1000, max: 1000 }), (left, offset) => {
      const due = refundDue(sprinkle, pot(left), sprinkle.expiresAt + offset);
      assert.equal(due, offset < 0 ? 0n : left);
    }),
  );
  assert.equal(refundDue(sprinkle, pot(0n), sprinkle.expiresAt), 0n);
});
