// wallet.v2.SprinkleService: sprinkles in any currency.
import {
  type SprinkleServiceService,
  SprinkleState as WireState,
} from '../../../gen/ts/wallet/v2/sprinkle_service.ts';
import { pageSize } from '../../domain/page.ts';
import { type Claim, type SprinkleState, stateOf } from '../../domain/sprinkle.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import {
  type Core,
  type CreatedSprinkle,
  claimShare,
  createSprinkle,
  getSprinkleById,
  listOwnSprinkles,
  type SprinkleView,
} from '../../usecases/index.ts';
import { decodeTimeToken, encodeTimeToken } from '../page-token.ts';
import type { Handlers } from '../service.ts';
import { toTimestamp } from '../timestamp.ts';
import { parseAmount, toMoney } from './money.ts';
import { walletRef } from './wallet.ts';

export const sprinkleService = (core: Core): Handlers<typeof SprinkleServiceService> => ({
  async createSprinkle({ roomId, walletId, amount, headcount }, { userId, key, call }) {
    const made = await core.execute(
      createSprinkle,
      {
        userId,
        roomId,
        roomField: 'room_id',
        wallet: walletRef(walletId, 'wallet_id'),
        money: parseAmount(amount),
        headcount,
        lifetimeMs: core.limits.sprinkleLifetimeMs,
      },
      key,
      call,
    );
    return sprinkled(made);
  },

  async claimSprinkle({ roomId, token, walletId }, { userId, key, call }) {
    const wallet = walletId ? walletRef(walletId, 'wallet_id') : { defaultOf: userId, field: 'wallet_id' };
    const posted = await claimShare(core, { userId, roomId, token, wallet }, key, call);
    return grabbed(posted);
  },

  async getSprinkle({ roomId, sprinkleId }, { userId }) {
    const view = await getSprinkleById(core, userId, roomId, sprinkleId.toLowerCase());
    return { sprinkle: toSprinkle(view, view.claims) };
  },

  async listSprinkles(request, { userId }) {
    const list = ['v2.sprinkles', userId, request.roomId];
    const after = decodeTimeToken(list, request.pageToken);
    const page = await listOwnSprinkles(core, userId, request.roomId, after, pageSize(request.pageSize));
    return {
      sprinkles: page.items.map((view) => toSprinkle(view, [])),
      nextPageToken: encodeTimeToken(list, page.next),
    };
  },
});

/** The answer to a creation. */
export function sprinkled({ sprinkle, balance }: CreatedSprinkle) {
  const view = { sprinkle, claimedAmount: 0n, at: sprinkle.createdAt };
  return { sprinkle: toSprinkle(view, []), balance: toMoney(sprinkle.currency, balance) };
}

/** The answer to a claim. */
export function grabbed({ transfer: { id, currency, amount, creditBalanceAfter } }: PostedTransfer) {
  return {
    amount: toMoney(currency, amount),
    balance: toMoney(currency, creditBalanceAfter),
    transferId: id,
  };
}

const STATES: Record<SprinkleState, WireState> = {
  live: WireState.LIVE,
  empty: WireState.EMPTY,
  expired: WireState.EXPIRED,
};

function toSprinkle({ sprinkle, claimedAmount, at }: SprinkleView, claims: readonly Claim[]) {
  const { currency } = sprinkle;
  return {
    sprinkleId: sprinkle.id,
    roomId: sprinkle.roomId,
    token: sprinkle.token,
    amount: toMoney(currency, sprinkle.amount),
    headcount: sprinkle.headcount,
    claimedAmount: toMoney(currency, claimedAmount),
    claimedCount: sprinkle.claimedCount,
    state: STATES[stateOf(sprinkle, at)],
    createdAt: toTimestamp(sprinkle.createdAt),
    expiresAt: toTimestamp(sprinkle.expiresAt),
    claims: claims.map((claim) => ({
      userId: claim.userId,
      amount: toMoney(currency, claim.amount),
      claimedAt: toTimestamp(claim.createdAt),
    })),
  };
}
