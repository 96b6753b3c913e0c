// wallet.v1.SprinkleService: sprinkles of the room in x-room-id, in whole won.
import type { SprinkleServiceService } from '../../../gen/ts/wallet/v1/sprinkle_service.ts';
import { type Core, claimShare, createSprinkle, getSprinkleByToken } from '../../usecases/index.ts';
import { command } from '../command-handler.ts';
import type { Handlers } from '../handlers.ts';
import { toTimestamp } from '../timestamp.ts';
import { ownWallet, won } from './wallet.ts';

/** The handlers of wallet.v1.SprinkleService. */
export const sprinkleService = (core: Core): Handlers<typeof SprinkleServiceService> => ({
  createSprinkle: command({
    execute: ({ amount, headcount }, caller) => {
      const { userId, roomId, key, call } = caller;
      const intent = {
        userId,
        roomId,
        roomField: 'x-room-id',
        wallet: ownWallet(caller),
        money: won(amount),
        headcount,
        lifetimeMs: core.limits.sprinkleLifetimeMs,
      };
      return core.execute(createSprinkle, intent, key, call);
    },
    toResponse: ({ sprinkle: { token } }) => ({ token }),
  }),

  claimSprinkle: command({
    execute: ({ token }, caller) => {
      const { userId, roomId, key, call } = caller;
      return claimShare(core, { userId, roomId, token, wallet: ownWallet(caller), nonce: '' }, key, call);
    },
    toResponse: ({ transfer: { amount } }) => ({ amount }),
  }),

  async getSprinkle({ token }, { userId, roomId }) {
    const { sprinkle, claimedAmount, claims } = await getSprinkleByToken(core, userId, roomId, token);
    return {
      createdAt: toTimestamp(sprinkle.createdAt),
      amount: sprinkle.amount,
      claimedAmount,
      claims: claims.map((claim) => ({ userId: claim.userId, amount: claim.amount })),
    };
  },
});
