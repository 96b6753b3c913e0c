// A sprinkle and its rules: how it may be split, who may claim, until when, who may look it up, and what is refunded.
import type { Account } from './account.ts';
import type { Currency } from './currency.ts';
import { type LocalizedText, mustBeFromTo } from './localized-text.ts';
import { Refusal, refuseField } from './refusal.ts';
import type { ShareMode, ShareTerms } from './shares.ts';
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
  /** How its shares are drawn; left out where they were drawn by a release without seeds, which nobody can check. */
  readonly draw?: SprinkleDraw;
  /** What its creator says; left out where that is nothing. */
  readonly message?: string;
  /** Whether only its creator sees who got what; left out where everybody does. */
  readonly hidesAmounts?: boolean;
  /** Who alone may claim; left out where every member of the room may. */
  readonly allowedUserIds?: readonly bigint[];
  /** When its creator ended it; left out where that did not happen. */
  readonly cancelledAt?: Micros;
}

/** What everybody may know about a draw before it ends. */
export interface SprinkleDraw {
  /** 32 bytes in hexadecimal digits. */
  readonly commitment: string;
  readonly mode: ShareMode;
  /** The smallest and the largest possible share. */
  readonly floor: bigint;
  readonly ceiling: bigint;
}

/** One claimed share. */
export interface Claim {
  readonly userId: bigint;
  readonly amount: bigint;
  readonly createdAt: Micros;
  /** In hexadecimal digits; undefined where it was not picked by the rules of the draw (see `ProofClaim`). */
  readonly nonce?: string | undefined;
}

/** The state of a sprinkle: live, or why it gives no more. */
export type SprinkleState = 'live' | 'empty' | 'expired' | 'cancelled';

/** The state of a sprinkle at a moment. A sprinkle without shares left stays `empty` after its expiry. */
export function stateOf(sprinkle: Sprinkle, at: Micros): SprinkleState {
  if (sprinkle.cancelledAt !== undefined) return 'cancelled';
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

/** How a caller asks for an amount to be split. */
export interface RequestedSplit {
  readonly mode: ShareMode;
  /** In the smallest unit of the currency; undefined where the caller leaves it out. */
  readonly floor: bigint | undefined;
  readonly ceiling: bigint | undefined;
}

/**
 * The terms of a split that is possible. Refuses HEADCOUNT_ABOVE_AMOUNT, and INVALID_FIELD: in equal shares nothing may be left
 * over, and neither floor nor ceiling mean anything.
 */
export function shareTermsOf(amount: bigint, headcount: number, split: RequestedSplit): ShareTerms {
  checkSplit(amount, headcount);
  const { mode, floor, ceiling } = split;
  const count = BigInt(headcount);
  const each = amount / count;
  if (mode === 'equal') {
    if (floor !== undefined) throw refuseField('INVALID_FIELD', 'share_floor', NOT_WITH_EQUAL);
    if (ceiling !== undefined) throw refuseField('INVALID_FIELD', 'share_ceiling', NOT_WITH_EQUAL);
    if (each * count !== amount) throw refuseField('INVALID_FIELD', 'amount', NOT_DIVISIBLE);
    return { amount, headcount, mode, floor: each, ceiling: each };
  }
  if (floor !== undefined && (floor < 1n || floor > each))
    throw refuseField('INVALID_FIELD', 'share_floor', mustBeFromTo(1n, each));
  const least = each * count === amount ? each : each + 1n;
  if (ceiling !== undefined && ceiling < least) {
    throw refuseField('INVALID_FIELD', 'share_ceiling', {
      en: `must be at least ${least}`,
      ko: `${least} 이상이어야 합니다`,
    });
  }
  const most = ceiling === undefined || ceiling > amount ? amount : ceiling;
  return { amount, headcount, mode, floor: floor ?? 1n, ceiling: most };
}

const NOT_WITH_EQUAL: LocalizedText = {
  en: 'must be left out where every share is the same',
  ko: '모든 몫이 같을 때는 비워 두어야 합니다',
};
const NOT_DIVISIBLE: LocalizedText = {
  en: 'must be divisible by headcount where every share is the same',
  ko: '모든 몫이 같으려면 headcount로 나누어떨어져야 합니다',
};

const LIFETIME_SECONDS = { least: 60, most: 72 * 60 * 60 };

/** Refuses INVALID_FIELD for a lifetime in milliseconds that a caller may not ask for. */
export function checkSprinkleLifetime(lifetimeMs: number): void {
  const { least, most } = LIFETIME_SECONDS;
  if (lifetimeMs >= 1000 * least && lifetimeMs <= 1000 * most) return;
  const seconds = mustBeFromTo(least, most);
  throw refuseField('INVALID_FIELD', 'expires_in', {
    en: `${seconds.en} seconds`,
    ko: `초 단위로 ${seconds.ko}`,
  });
}

/** Those whom a sprinkle is for: as many as a request may name. */
const MAX_ALLOWED = 1000;
const ALLOWED = 'allowed_user_ids';

/** Refuses INVALID_FIELD for choosing too few or too many members, the creator, somebody twice, or who is no member. */
export function checkAllowed(
  userIds: readonly bigint[],
  creatorUserId: bigint,
  headcount: number,
  isMember: (userId: bigint) => boolean,
): void {
  if (userIds.length < headcount || userIds.length > MAX_ALLOWED || new Set(userIds).size < userIds.length) {
    throw refuseField('INVALID_FIELD', ALLOWED, {
      en: `must be as many users as there are shares or more, at most ${MAX_ALLOWED}, and each once`,
      ko: `몫의 개수 이상, ${MAX_ALLOWED}명 이하의 서로 다른 사용자여야 합니다`,
    });
  }
  for (const [index, userId] of userIds.entries()) {
    if (userId === creatorUserId) throw refuseField('INVALID_FIELD', `${ALLOWED}[${index}]`, NOT_THE_CREATOR);
    if (!isMember(userId)) throw refuseField('INVALID_FIELD', `${ALLOWED}[${index}]`, NO_MEMBER);
  }
}

const NOT_THE_CREATOR: LocalizedText = {
  en: 'must not be the creator, who cannot claim',
  ko: '받을 수 없는 뿌린 사람 자신이면 안 됩니다',
};
const NO_MEMBER: LocalizedText = { en: 'is not a member of the room', ko: '대화방의 멤버가 아닙니다' };

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
  if (sprinkle.allowedUserIds?.includes(claimer.userId) === false) throw new Refusal('SPRINKLE_FOR_OTHERS');
  if (claimer.hasClaimed) throw new Refusal('ALREADY_CLAIMED');
  checkLive(sprinkle, at);
  return sprinkle;
}

/** Refuses SPRINKLE_EMPTY, SPRINKLE_EXPIRED and SPRINKLE_CANCELLED for a sprinkle that gives no more. */
export function checkLive(sprinkle: Sprinkle, at: Micros): void {
  const state = stateOf(sprinkle, at);
  if (state === 'empty') throw new Refusal('SPRINKLE_EMPTY');
  if (state === 'expired') throw new Refusal('SPRINKLE_EXPIRED');
  if (state === 'cancelled') throw new Refusal('SPRINKLE_CANCELLED');
}

/** Whether a user sees who got what: everybody, or only the creator where amounts are hidden. */
export function seesAmounts({ hidesAmounts, creatorUserId }: Sprinkle, userId: bigint): boolean {
  return !hidesAmounts || creatorUserId === userId;
}

/** Who got the largest share of a sprinkle that is over, the first one of equals; undefined where there is nobody. */
export function luckiestOf(sprinkle: Sprinkle, claims: readonly Claim[], at: Micros): bigint | undefined {
  if (sprinkle.draw?.mode === 'equal' || stateOf(sprinkle, at) === 'live') return undefined;
  const most = claims.reduce<Claim | undefined>(
    (best, claim) => (best && best.amount >= claim.amount ? best : claim),
    undefined,
  );
  return most?.userId;
}

/**
 * Whether a user may look a sprinkle up: its creator and the members of its room, until `lookupMs` milliseconds after its
 * creation.
 */
export function mayLookUp(
  { creatorUserId, createdAt }: Sprinkle,
  { userId, isMember }: Pick<Claimer, 'userId' | 'isMember'>,
  at: Micros,
  lookupMs: number,
): boolean {
  return (isMember || creatorUserId === userId) && at < afterMs(createdAt, lookupMs);
}

/**
 * What is refunded to the creator: all that is in the pot once the sprinkle has expired, and zero before. A refund empties
 * the pot, so a second one finds nothing.
 */
export function refundDue(sprinkle: Sprinkle, pot: Account, at: Micros): bigint {
  return at < sprinkle.expiresAt ? 0n : pot.balance;
}
