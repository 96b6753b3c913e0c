// wallet.v2.GiftService: money that its receiver accepts or declines.
import {
  type GiftServiceService,
  GiftDirection as WireDirection,
  GiftState as WireState,
} from '../../../gen/ts/wallet/v2/gift_service.ts';
import { annotationOf } from '../../domain/annotation.ts';
import { HOLD_STATES, type Hold, type HoldState, stateAt } from '../../domain/hold.ts';
import type { WalletRef } from '../../domain/intent.ts';
import { pageSize } from '../../domain/page.ts';
import type { Micros } from '../../domain/time.ts';
import {
  acceptGift,
  type Core,
  cancelGift,
  createGift,
  declineGift,
  findByReference,
  type GiftSides,
  getHoldView,
  listGifts,
} from '../../usecases/index.ts';
import { command } from '../command-handler.ts';
import type { Handlers } from '../handlers.ts';
import { decodeTimeToken, encodeTimeToken } from '../page-token.ts';
import { toMs, toTimestamp } from '../timestamp.ts';
import { parseAmount, shownAnnotation, toMoney, toTransfer } from './money.ts';
import { walletRef } from './wallet.ts';

/** The handlers of wallet.v2.GiftService. */
export const giftService = (core: Core): Handlers<typeof GiftServiceService> => ({
  createGift: command({
    execute: (request, { userId, key, call }) => {
      const { walletId, creditUserId, amount, expiresIn, message } = request;
      const intent = {
        userId,
        wallet: ownWallet(walletId, userId),
        to: { defaultOf: creditUserId, field: 'credit_user_id' },
        money: parseAmount(amount),
        lifetimeMs: expiresIn && toMs(expiresIn, 'expires_in'),
        message,
        annotation: annotationOf(request),
      };
      return core.execute(createGift, intent, key, call);
    },
    toResponse: ({ hold, balance }, userId) => ({
      gift: toGift(hold, hold.createdAt, userId),
      balance: toMoney(hold.currency, balance),
    }),
  }),

  acceptGift: command({
    execute: ({ giftId, walletId }, { userId, key, call }) =>
      acceptGift(core, userId, giftId.toLowerCase(), ownWallet(walletId, userId), key, call),
    toResponse: ({ hold, posted }, userId) => ({
      gift: toGift(hold, posted.transfer.createdAt, userId),
      transfer: toTransfer(posted, userId),
      balance: toMoney(hold.currency, posted.transfer.creditBalanceAfter),
    }),
  }),

  declineGift: command({
    execute: ({ giftId }, { userId, key, call }) =>
      declineGift(core, userId, giftId.toLowerCase(), key, call),
    // What the sender has is not the receiver's business.
    toResponse: ({ hold }, userId) => ({ gift: toGift(hold, hold.createdAt, userId) }),
  }),

  cancelGift: command({
    execute: ({ giftId }, { userId, key, call }) => cancelGift(core, userId, giftId.toLowerCase(), key, call),
    toResponse: ({ hold, balance }, userId) => ({
      gift: toGift(hold, hold.createdAt, userId),
      balance: toMoney(hold.currency, balance),
    }),
  }),

  async getGift({ giftId, reference }, { userId }) {
    const { id } = await findByReference(core, userId, 'gift', { id: giftId, reference });
    const { hold, at } = await getHoldView(core, userId, id, 'gift');
    return { gift: toGift(hold, at, userId) };
  },

  async listGifts(request, { userId }) {
    const sides = SIDES[request.direction];
    const states = HOLD_STATES.filter((state) => request.states.includes(STATES[state]));
    const list = ['v2.gifts', userId, sides, states];
    const after = decodeTimeToken(list, request.pageToken);
    const page = await listGifts(core, userId, sides, { states, after, size: pageSize(request.pageSize) });
    return {
      gifts: page.items.map(({ hold, at }) => toGift(hold, at, userId)),
      nextPageToken: encodeTimeToken(list, page.next),
    };
  },
});

/** A wallet of the acting user, by default the one that every user has. */
function ownWallet(id: string, userId: bigint): WalletRef {
  return id ? walletRef(id, 'wallet_id') : { defaultOf: userId, field: 'wallet_id' };
}

const STATES: Record<HoldState, WireState> = {
  open: WireState.OPEN,
  captured: WireState.ACCEPTED,
  declined: WireState.DECLINED,
  voided: WireState.CANCELLED,
  expired: WireState.EXPIRED,
};

const SIDES: Record<WireDirection, GiftSides> = {
  [WireDirection.UNSPECIFIED]: 'both',
  [WireDirection.SENT]: 'sent',
  [WireDirection.RECEIVED]: 'received',
};

/** The gift as one of its two users sees it at a moment. */
function toGift(hold: Hold, at: Micros, userId: bigint) {
  const { receiver, closedAt } = hold;
  return {
    giftId: hold.id,
    senderUserId: hold.userId,
    receiverUserId: receiver?.userId ?? 0n,
    walletId: hold.userId === userId ? hold.walletId : '',
    amount: toMoney(hold.currency, hold.amount),
    message: hold.reason,
    state: STATES[stateAt(hold, at)],
    createdAt: toTimestamp(hold.createdAt),
    expiresAt: toTimestamp(hold.expiresAt),
    closedAt: closedAt === undefined ? undefined : toTimestamp(closedAt),
    ...shownAnnotation(hold.annotation, userId),
  };
}
