// wallet.v1.SprinkleService: sprinkles of the room in x-room-id, in whole won.
import type { SprinkleServiceService } from '../../../gen/ts/wallet/v1/sprinkle_service.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import {
  type Core,
  type CreatedSprinkle,
  claimShare,
  createSprinkle,
  getSprinkleByToken,
} from '../../usecases/index.ts';
import type { Handlers } from '../service.ts';
import { toTimestamp } from '../timestamp.ts';
import { ownWallet, won } from './wallet.ts';

export const sprinkleService = (core: Core): Handlers<typeof SprinkleServiceService> => ({
  async createSprinkle({ amount, headcount }, caller) {
    const { userId, roomId, key, call } = caller;
    const made = await core.execute(
      createSprinkle,
      {
        userId,
        roomId,
        roomField: 'x-room-id',
        wallet: ownWallet(caller),
        money: won(amount),
        headcount,
        lifetimeMs: core.limits.sprinkleLifetimeMs,
      },
      key,
      call,
    );
    return sprinkled(made);
  },

  async claimSprinkle({ token }, caller) {
    const { userId, roomId, key, call } = caller;
    const intent = { userId, roomId, token, wallet: ownWallet(caller) };
    const posted = await claimShare(core, intent, key, call);
    return grabbed(posted);
  },

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

/** The answer to a creation. */
export function sprinkled({ sprinkle: { token } }: CreatedSprinkle) {
  return { token };
}

/** The answer to a claim. */
export function grabbed({ transfer: { amount } }: PostedTransfer) {
  return { amount };
}
