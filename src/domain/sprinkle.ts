// A sprinkle and its rules: who may claim, until when, who may look it up, and what is refunded.
import type { Account } from './account.ts';
import type { Currency } from './currency.ts';
import { Refusal, refuseField } from './refusal.ts';
import { afterMs, type Micros } from './time.ts';

/** How long the creator can look a sprinkle up, in milliseconds from its creation; then a worker may delete it. */
export const SPRINKLE_LOOKUP_MS = 7 * 24 * 60 * 60_000;

/** An amount dropped into a room, in shares for its members to claim. */
export interface Sprinkle {
  readonly id: string;
  readonly roomId: string;
  readonly token: string;
  readonly creatorUserId: bigint;
  /** The wallet that paid for it and gets the refund. */
  readonly sourceAccountId: string;
  /** The account that holds what is not claimed yet. */
  readonly potAccountId: string;
  readonly currency: Currency;
  readonly amount: bigint;
  readonly headcount: number;
  readonly claimedCount: number;
  readonly createdAt: Micros;
  readonly expiresAt: Micros;
}

/** One claimed share. */
export interface Claim {
  readonly userId: bigint;
  readonly amount: bigint;
  readonly createdAt: Micros;
}

/** The state of a sprinkle: live, or why it gives no more. */
export type SprinkleState = 'live' | 'empty' | 'expired';

/** The state of a sprinkle at a moment. A sprinkle without shares left stays `empty` after its expiry. */
export function stateOf(sprinkle: Sprinkle, at: Micros): SprinkleState {
  if (sprinkle.claimedCount === sprinkle.headcount) return 'empty';
  return at < sprinkle.expiresAt ? 'live' : 'expired';
}

/** Refuses HEADCOUNT_ABOVE_AMOUNT: every share is at least 1. */
export function checkSplit(amount: bigint, headcount: number): void {
  if (amount < BigInt(headcount)) {
    throw refuseField('HEADCOUNT_ABOVE_AMOUNT', 'headcount', {
      en: 'must not be above the amount in smallest units',
      ko: '최소 단위로 센 금액보다 클 수 없습니다',
    });
  }
}

/** What is known about a user who asks to claim a share. */
export interface Claimer {
  readonly userId: bigint;
  readonly isMember: boolean;
  readonly hasClaimed: boolean;
}

/**
 * Refuses a claim that the rules don't allow. For users outside the room a sprinkle does not exist.
 */
export function checkClaim(sprinkle: Sprinkle | undefined, claimer: Claimer, at: Micros): Sprinkle {
  if (!sprinkle || !claimer.isMember) throw refuseField('SPRINKLE_NOT_FOUND', 'token');
  if (sprinkle.creatorUserId === claimer.userId) throw new Refusal('OWN_SPRINKLE');
  if (claimer.hasClaimed) throw new Refusal('ALREADY_CLAIMED');
  const state = stateOf(sprinkle, at);
  if (state === 'empty') throw new Refusal('SPRINKLE_EMPTY');
  if (state === 'expired') throw new Refusal('SPRINKLE_EXPIRED');
  return sprinkle;
}

/** Whether a user may look a sprinkle up: its creator, until `lookupMs` milliseconds after its creation. */
export function mayLookUp(sprinkle: Sprinkle, userId: bigint, at: Micros, lookupMs: number): boolean {
  return sprinkle.creatorUserId === userId && at < afterMs(sprinkle.createdAt, lookupMs);
}

/**
 * What is refunded to the creator: all that is in the pot once the sprinkle has expired, and zero before. A refund empties
 * the pot, so a second one finds nothing.
 */
export function refundDue(sprinkle: Sprinkle, pot: Account, at: Micros): bigint {
  return at < sprinkle.expiresAt ? 0n : pot.balance;
}
