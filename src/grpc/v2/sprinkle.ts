// wallet.v2.SprinkleService: sprinkles in any currency.
import {
  type CreateSprinkleRequest,
  type SprinkleServiceService,
  SprinkleMode as WireMode,
  SprinkleState as WireState,
} from '../../../gen/ts/wallet/v2/sprinkle_service.ts';
import { DRAW_VERSION, linkOf } from '../../domain/fair-draw.ts';
import { pageSize } from '../../domain/page.ts';
import type { ShareMode } from '../../domain/shares.ts';
import { type Claim, luckiestOf, type SprinkleState, seesAmounts, stateOf } from '../../domain/sprinkle.ts';
import {
  type Core,
  cancelSprinkle,
  claimShare,
  createSprinkle,
  getSprinkleById,
  getSprinkleProof,
  listOwnSprinkles,
  listRoomSprinkles,
  type SprinkleProof,
  type SprinkleView,
  type SprinkleWishes,
  watchSprinkle,
} from '../../usecases/index.ts';
import { command } from '../command-handler.ts';
import type { Handlers } from '../handlers.ts';
import { decodeTimeToken, encodeTimeToken } from '../page-token.ts';
import { toMs, toTimestamp } from '../timestamp.ts';
import { parseAmount, toMoney } from './money.ts';
import { walletRef } from './wallet.ts';

/** The handlers of wallet.v2.SprinkleService. */
export const sprinkleService = (core: Core): Handlers<typeof SprinkleServiceService> => ({
  createSprinkle: command({
    execute: (request, { userId, key, call }) => {
      const { roomId, walletId, amount, headcount } = request;
      const intent = {
        userId,
        roomId,
        roomField: 'room_id',
        wallet: walletRef(walletId, 'wallet_id'),
        money: parseAmount(amount),
        headcount,
        lifetimeMs: core.limits.sprinkleLifetimeMs,
        wishes: parseWishes(request),
      };
      return core.execute(createSprinkle, intent, key, call);
    },
    toResponse: ({ sprinkle, balance }, userId) => ({
      sprinkle: toSprinkle({ sprinkle, claimedAmount: 0n, at: sprinkle.createdAt }, [], userId),
      balance: toMoney(sprinkle.currency, balance),
    }),
  }),

  claimSprinkle: command({
    execute: ({ roomId, token, walletId, nonce }, { userId, key, call }) => {
      const wallet = walletId ? walletRef(walletId, 'wallet_id') : { defaultOf: userId, field: 'wallet_id' };
      const intent = { userId, roomId, token, wallet, nonce: nonce.toString('hex') };
      return claimShare(core, intent, key, call);
    },
    toResponse: ({ transfer: { id, currency, amount, creditBalanceAfter } }) => ({
      amount: toMoney(currency, amount),
      balance: toMoney(currency, creditBalanceAfter),
      transferId: id,
    }),
  }),

  cancelSprinkle: command({
    execute: ({ roomId, sprinkleId }, { userId, key, call }) =>
      cancelSprinkle(core, userId, { roomId, id: sprinkleId.toLowerCase() }, key, call),
    toResponse: ({ sprinkle, refunded, balance }, userId) => {
      const claimedAmount = sprinkle.amount - refunded;
      const at = sprinkle.cancelledAt ?? sprinkle.createdAt;
      return {
        sprinkle: toSprinkle({ sprinkle, claimedAmount, at }, [], userId),
        balance: toMoney(sprinkle.currency, balance),
      };
    },
  }),

  async getSprinkle({ roomId, sprinkleId }, { userId }) {
    const view = await getSprinkleById(core, userId, roomId, sprinkleId.toLowerCase());
    return { sprinkle: toSprinkle(view, view.claims, userId) };
  },

  async getSprinkleProof({ roomId, sprinkleId }, { userId }) {
    return toProof(
      await getSprinkleProof(core, userId, roomId, sprinkleId.toLowerCase()),
      core.seeds,
      userId,
    );
  },

  async listSprinkles(request, { userId }) {
    const list = ['v2.sprinkles', userId, request.roomId];
    const after = decodeTimeToken(list, request.pageToken);
    const page = await listOwnSprinkles(core, userId, request.roomId, after, pageSize(request.pageSize));
    return {
      sprinkles: page.items.map((view) => toSprinkle(view, [], userId)),
      nextPageToken: encodeTimeToken(list, page.next),
    };
  },

  async listRoomSprinkles(request, { userId }) {
    const list = ['v2.room-sprinkles', userId, request.roomId];
    const after = decodeTimeToken(list, request.pageToken);
    const page = await listRoomSprinkles(core, userId, request.roomId, after, pageSize(request.pageSize));
    return {
      sprinkles: page.items.map((view) => toSprinkle(view, [], userId)),
      nextPageToken: encodeTimeToken(list, page.next),
    };
  },

  watchSprinkle: streamSprinkle(core),
});

/** Each message has the claims since the one before. */
function streamSprinkle(core: Core): Handlers<typeof SprinkleServiceService>['watchSprinkle'] {
  return async function* ({ roomId, sprinkleId }, { userId }, signal) {
    let told = 0;
    for await (const view of watchSprinkle(core, userId, roomId, sprinkleId.toLowerCase(), signal)) {
      const { claims, ...sprinkle } = toSprinkle(view, view.claims, userId);
      yield { sprinkle: { ...sprinkle, claims: claims.slice(told) } };
      told = claims.length;
    }
  };
}

/** What the creator chooses. An enum that is left out is RANDOM. */
function parseWishes(request: CreateSprinkleRequest): SprinkleWishes {
  const { mode, shareFloor, shareCeiling, expiresIn } = request;
  return {
    mode: mode === WireMode.EQUAL ? 'equal' : 'random',
    floor: shareFloor && parseAmount(shareFloor, 'share_floor'),
    ceiling: shareCeiling && parseAmount(shareCeiling, 'share_ceiling'),
    lifetimeMs: expiresIn && toMs(expiresIn, 'expires_in'),
    message: request.message,
    hidesAmounts: request.hideAmounts,
    allowedUserIds: request.allowedUserIds,
  };
}

const STATES: Record<SprinkleState, WireState> = {
  live: WireState.LIVE,
  empty: WireState.EMPTY,
  expired: WireState.EXPIRED,
  cancelled: WireState.CANCELLED,
};

const MODES: Record<ShareMode, WireMode> = { random: WireMode.RANDOM, equal: WireMode.EQUAL };

/** The sprinkle as a user, its creator or another member of its room, sees it. */
function toSprinkle({ sprinkle, claimedAmount, at }: SprinkleView, claims: readonly Claim[], userId: bigint) {
  const { currency, creatorUserId, draw } = sprinkle;
  const seesAll = seesAmounts(sprinkle, userId);
  const seen = seesAll ? claims : claims.filter((claim) => claim.userId === userId);
  return {
    sprinkleId: sprinkle.id,
    roomId: sprinkle.roomId,
    token: creatorUserId === userId ? sprinkle.token : '',
    amount: toMoney(currency, sprinkle.amount),
    headcount: sprinkle.headcount,
    claimedAmount: seesAll ? toMoney(currency, claimedAmount) : undefined,
    claimedCount: sprinkle.claimedCount,
    state: STATES[stateOf(sprinkle, at)],
    createdAt: toTimestamp(sprinkle.createdAt),
    expiresAt: toTimestamp(sprinkle.expiresAt),
    claims: seen.map((claim) => ({
      userId: claim.userId,
      amount: toMoney(currency, claim.amount),
      claimedAt: toTimestamp(claim.createdAt),
    })),
    commitment: Buffer.from(draw?.commitment ?? '', 'hex'),
    mode: MODES[draw?.mode ?? 'random'],
    creatorUserId,
    message: sprinkle.message ?? '',
    hideAmounts: sprinkle.hidesAmounts === true,
    shareFloor: draw && toMoney(currency, draw.floor),
    shareCeiling: draw && toMoney(currency, draw.ceiling),
    allowedUserIds: [...(sprinkle.allowedUserIds ?? [])],
    luckiestUserId: (seesAll && luckiestOf(sprinkle, claims, at)) || 0n,
  };
}

/** The proof as a user sees it. What is hidden of a claim is in its link, so that everybody can check all of them. */
function toProof({ sprinkle, draw, seed, claims }: SprinkleProof, seeds: Core['seeds'], userId: bigint) {
  const isShown = (claim: Claim) => seesAmounts(sprinkle, userId) || claim.userId === userId;
  const { currency } = sprinkle;
  return {
    version: DRAW_VERSION,
    sprinkleId: sprinkle.id,
    amount: toMoney(currency, sprinkle.amount),
    headcount: sprinkle.headcount,
    mode: MODES[draw.mode],
    shareFloor: toMoney(currency, draw.floor),
    shareCeiling: toMoney(currency, draw.ceiling),
    commitment: Buffer.from(draw.commitment, 'hex'),
    seed: Buffer.from(seed.hex, 'hex'),
    claims: claims.map((claim, index) => {
      const { nonce } = claim;
      const [shown, link] = [
        isShown(claim),
        nonce === undefined ? '' : linkOf({ index, userId: claim.userId, nonce }, seeds),
      ];
      return {
        userId: shown ? claim.userId : 0n,
        nonce: Buffer.from(shown ? (nonce ?? '') : '', 'hex'),
        minorUnits: claim.amount,
        link: Buffer.from(link, 'hex'),
        inLine: nonce === undefined,
      };
    }),
  };
}
