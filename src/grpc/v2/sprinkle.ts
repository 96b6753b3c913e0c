// wallet.v2.SprinkleService: sprinkles in any currency.
import {
  type SprinkleServiceService,
  SprinkleState as WireState,
} from '../../../gen/ts/wallet/v2/sprinkle_service.ts';
import { pageSize } from '../../domain/page.ts';
import { type Claim, type SprinkleState, stateOf } from '../../domain/sprinkle.ts';
import {
  type Core,
  claimShare,
  createSprinkle,
  getSprinkleById,
  listOwnSprinkles,
  type SprinkleView,
} from '../../usecases/index.ts';
import { command } from '../command-handler.ts';
import type { Handlers } from '../handlers.ts';
import { decodeTimeToken, encodeTimeToken } from '../page-token.ts';
import { toTimestamp } from '../timestamp.ts';
import { parseAmount, toMoney } from './money.ts';
import { walletRef } from './wallet.ts';

/** The handlers of wallet.v2.SprinkleService. */
export const sprinkleService = (core: Core): Handlers<typeof SprinkleServiceService> => ({
  createSprinkle: command({
    execute: ({ roomId, walletId, amount, headcount }, { userId, key, call }) => {
      const intent = {
        userId,
        roomId,
        roomField: 'room_id',
        wallet: walletRef(walletId, 'wallet_id'),
        money: parseAmount(amount),
        headcount,
        lifetimeMs: core.limits.sprinkleLifetimeMs,
      };
      return core.execute(createSprinkle, intent, key, call);
    },
    toResponse: ({ sprinkle, balance }) => ({
      sprinkle: toSprinkle({ sprinkle, claimedAmount: 0n, at: sprinkle.createdAt }, []),
      balance: toMoney(sprinkle.currency, balance),
    }),
  }),

  claimSprinkle: command({
    execute: ({ roomId, token, walletId }, { userId, key, call }) => {
      const wallet = walletId ? walletRef(walletId, 'wallet_id') : { defaultOf: userId, field: 'wallet_id' };
      return claimShare(core, { userId, roomId, token, wallet }, key, call);
    },
    toResponse: ({ transfer: { id, currency, amount, creditBalanceAfter } }) => ({
      amount: toMoney(currency, amount),
      balance: toMoney(currency, creditBalanceAfter),
      transferId: id,
    }),
  }),

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
