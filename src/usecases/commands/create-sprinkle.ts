// Drops an amount into a room, in shares for its members to claim.

import type { LedgerCommand } from '../../domain/batch/command.ts';
import { checkAmount, checkCount, MAX_HEADCOUNT, MAX_SPRINKLE_AMOUNT } from '../../domain/bounds.ts';
import type { RequestedMoney, WalletRef } from '../../domain/intent.ts';
import { refuseField } from '../../domain/refusal.ts';
import { checkCurrency } from '../../domain/requested-money.ts';
import { drawShares } from '../../domain/shares.ts';
import { checkSplit, type Sprinkle } from '../../domain/sprinkle.ts';
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
}

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
 * ROOM_OUT_OF_TOKENS.
 */
export const createSprinkle: LedgerCommand<CreateSprinkleIntent, CreatedSprinkle> = {
  readSet: ({ userId, roomId, wallet }, random) => ({
    wallets: [wallet],
    membership: { roomId, userId },
    tokens: { roomId, candidates: Array.from({ length: CANDIDATES }, () => drawToken(random)) },
  }),

  decide({ userId, roomId, roomField, wallet, money, headcount, lifetimeMs }, batch) {
    checkAmount(money.amount, 'amount', MAX_SPRINKLE_AMOUNT);
    checkCount(headcount, MAX_HEADCOUNT, 'headcount');
    checkSplit(money.amount, headcount);
    if (!batch.rooms.isMember(roomId, userId)) throw refuseField('ROOM_NOT_FOUND', roomField);
    const source = batch.accounts.ownWallet(wallet, userId);
    checkCurrency(money, source);
    const pot = batch.accounts.open({
      kind: 'sprinkle',
      currency: money.currency,
      ownerUserId: undefined,
      displayName: '',
    });
    const sprinkle: Sprinkle = {
      id: batch.random.uuid(),
      roomId,
      token: batch.sprinkles.takeToken(roomId),
      creatorUserId: userId,
      sourceAccountId: source.id,
      potAccountId: pot.id,
      currency: money.currency,
      amount: money.amount,
      headcount,
      claimedCount: 0,
      createdAt: batch.at,
      expiresAt: afterMs(batch.at, lifetimeMs),
    };
    const funding = batch.transfers.post({
      kind: 'sprinkle',
      debit: source,
      credit: pot,
      amount: money.amount,
      sprinkleId: sprinkle.id,
    });
    batch.sprinkles.add({ sprinkle, shares: drawShares(money.amount, headcount, batch.random) });
    batch.jobs.enqueue({ job: 'expire-sprinkles', data: {}, runAt: sprinkle.expiresAt });
    return { sprinkle, balance: funding.debitBalanceAfter };
  },
};
