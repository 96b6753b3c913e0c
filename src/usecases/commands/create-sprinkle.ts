// Drops an amount into a room, in shares for its members to claim.

import type { LedgerCommand } from '../../domain/batch/command.ts';
import type { LedgerBatch } from '../../domain/batch/ledger-batch.ts';
import {
  checkAmount,
  checkCount,
  checkMemo,
  MAX_HEADCOUNT,
  MAX_SPRINKLE_AMOUNT,
} from '../../domain/bounds.ts';
import { commitmentOf, drawnShares } from '../../domain/fair-draw.ts';
import type { RequestedMoney, WalletRef } from '../../domain/intent.ts';
import { refuseField } from '../../domain/refusal.ts';
import { checkCurrency } from '../../domain/requested-money.ts';
import type { ShareMode } from '../../domain/shares.ts';
import { checkAllowed, checkSprinkleLifetime, type Sprinkle, shareTermsOf } from '../../domain/sprinkle.ts';
import { afterMs } from '../../domain/time.ts';
import { drawToken } from '../../domain/token.ts';

/** The intent of the caller. */
export interface CreateSprinkleIntent {
  readonly userId: bigint;
  readonly roomId: string;
  /** The field of the request that names the room. */
  readonly roomField: string;
  /** The wallet of the user that pays. */
  readonly wallet: WalletRef;
  readonly money: RequestedMoney;
  readonly headcount: number;
  /** How long it can be claimed, in milliseconds. */
  readonly lifetimeMs: number;
  /** Left out where its creator chooses nothing. */
  readonly wishes?: SprinkleWishes;
}

/** What the creator of a sprinkle may choose besides. */
export interface SprinkleWishes {
  readonly mode: ShareMode;
  readonly floor: RequestedMoney | undefined;
  readonly ceiling: RequestedMoney | undefined;
  /** How long it can be claimed, in milliseconds; undefined for as long as the server says. */
  readonly lifetimeMs: number | undefined;
  readonly message: string;
  readonly hidesAmounts: boolean;
  /** Who alone may claim; empty for every member of the room. */
  readonly allowedUserIds: readonly bigint[];
}

const NO_WISHES: SprinkleWishes = {
  mode: 'random',
  floor: undefined,
  ceiling: undefined,
  lifetimeMs: undefined,
  message: '',
  hidesAmounts: false,
  allowedUserIds: [],
};

/** The new sprinkle. */
export interface CreatedSprinkle {
  readonly sprinkle: Sprinkle;
  /** The paying wallet's balance right after. */
  readonly balance: bigint;
}

/** How many tokens are tried before all free ones are listed: with 16, a half-full room needs that once in 65,536 times. */
const CANDIDATES = 16;

/**
 * Refuses HEADCOUNT_ABOVE_AMOUNT, ROOM_NOT_FOUND, WALLET_NOT_FOUND, CURRENCY_MISMATCH, BALANCE_TOO_LOW,
 * ROOM_OUT_OF_TOKENS, and INVALID_FIELD for wishes that don't fit.
 */
export const createSprinkle: LedgerCommand<CreateSprinkleIntent, CreatedSprinkle> = {
  readSet: ({ userId, roomId, wallet, wishes = NO_WISHES }, random) => ({
    wallets: [wallet],
    members: { roomId, userIds: [userId, ...wishes.allowedUserIds] },
    tokens: { roomId, candidates: Array.from({ length: CANDIDATES }, () => drawToken(random)) },
  }),

  decide(intent, batch) {
    const { userId, roomId, roomField, wallet, money, headcount, wishes = NO_WISHES } = intent;
    checkAmount(money.amount, 'amount', MAX_SPRINKLE_AMOUNT);
    checkCount(headcount, MAX_HEADCOUNT, 'headcount');
    const { mode, floor, ceiling } = wishes;
    const split = { mode, floor: floor?.amount, ceiling: ceiling?.amount };
    const terms = shareTermsOf(money.amount, headcount, split);
    if (!batch.rooms.isMember(roomId, userId)) throw refuseField('ROOM_NOT_FOUND', roomField);
    checkWishes(intent, wishes, batch);
    const source = batch.accounts.ownWallet(wallet, userId);
    for (const requested of [money, floor, ceiling]) if (requested) checkCurrency(requested, source);
    const { currency } = source;
    const pot = batch.accounts.open({ kind: 'sprinkle', currency, ownerUserId: undefined, displayName: '' });
    const id = batch.random.uuid();
    const { seed, sealed } = batch.seeds.draw(id);
    const commitment = commitmentOf({ ...terms, sprinkleId: id, currency }, seed, batch.seeds);
    const draw = { commitment, mode, floor: terms.floor, ceiling: terms.ceiling };
    const sprinkle: Sprinkle = {
      id,
      roomId,
      token: batch.sprinkles.takeToken(roomId),
      creatorUserId: userId,
      sourceAccountId: source.id,
      potAccountId: pot.id,
      currency,
      amount: money.amount,
      headcount,
      claimedCount: 0,
      createdAt: batch.at,
      expiresAt: afterMs(batch.at, wishes.lifetimeMs ?? intent.lifetimeMs),
      draw,
      ...shownWishes(wishes),
    };
    const funding = batch.transfers.post({
      kind: 'sprinkle',
      debit: source,
      credit: pot,
      amount: money.amount,
      sprinkleId: sprinkle.id,
    });
    batch.sprinkles.add({ sprinkle, draw, shares: drawnShares(terms, seed), sealedSeed: sealed });
    batch.jobs.enqueue({ job: 'expire-sprinkles', data: {}, runAt: sprinkle.expiresAt });
    return { sprinkle, balance: funding.debitBalanceAfter };
  },
};

function checkWishes(
  { userId, roomId, headcount }: CreateSprinkleIntent,
  { lifetimeMs, message, allowedUserIds }: SprinkleWishes,
  { rooms }: LedgerBatch,
): void {
  checkMemo(message, 'message');
  if (lifetimeMs !== undefined) checkSprinkleLifetime(lifetimeMs);
  if (allowedUserIds.length > 0)
    checkAllowed(allowedUserIds, userId, headcount, (member) => rooms.isMember(roomId, member));
}

function shownWishes({ message, hidesAmounts, allowedUserIds }: SprinkleWishes) {
  return {
    ...(message !== '' && { message }),
    ...(hidesAmounts && { hidesAmounts }),
    ...(allowedUserIds.length > 0 && { allowedUserIds }),
  };
}
