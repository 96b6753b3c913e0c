// wallet.v2.HoldService: money that is set aside, captured and given back.
import { type HoldServiceService, HoldState as WireState } from '../../../gen/ts/wallet/v2/hold_service.ts';
import { annotationOf } from '../../domain/annotation.ts';
import { HOLD_STATES, type Hold, type HoldState, remainingOf, stateAt } from '../../domain/hold.ts';
import { pageSize } from '../../domain/page.ts';
import type { Micros } from '../../domain/time.ts';
import {
  type Core,
  captureHold,
  createHold,
  findByReference,
  getHoldView,
  type HoldView,
  listHolds,
  voidHold,
} from '../../usecases/index.ts';
import { command } from '../command-handler.ts';
import type { Handlers } from '../handlers.ts';
import { decodeTimeToken, encodeTimeToken } from '../page-token.ts';
import { toMs, toTimestamp } from '../timestamp.ts';
import { parseAmount, shownAnnotation, toMoney, toTransfer } from './money.ts';
import { destinationRef, walletRef } from './wallet.ts';

/** The handlers of wallet.v2.HoldService. */
export const holdService = (core: Core): Handlers<typeof HoldServiceService> => ({
  createHold: command({
    execute: (request, { userId, key, call }) => {
      const { walletId, amount, destination, expiresIn, reason } = request;
      const intent = {
        userId,
        wallet: walletRef(walletId, 'wallet_id'),
        to: destinationRef(destination),
        money: parseAmount(amount),
        lifetimeMs: expiresIn && toMs(expiresIn, 'expires_in'),
        reason,
        annotation: annotationOf(request),
      };
      return core.execute(createHold, intent, key, call);
    },
    toResponse: ({ hold, balance }, userId) => ({
      hold: toHold(hold, hold.createdAt, userId),
      balance: toMoney(hold.currency, balance),
    }),
  }),

  captureHold: command({
    execute: ({ holdId, amount, final, destination }, { userId, key, call }) => {
      const input = {
        money: amount && parseAmount(amount),
        isFinal: final,
        to: destinationRef(destination),
      };
      return captureHold(core, userId, holdId.toLowerCase(), input, key, call);
    },
    toResponse: ({ hold, posted }, userId) => ({
      hold: toHold(hold, posted.transfer.createdAt, userId),
      transfer: toTransfer(posted, userId),
    }),
  }),

  voidHold: command({
    execute: ({ holdId }, { userId, key, call }) => voidHold(core, userId, holdId.toLowerCase(), key, call),
    toResponse: ({ hold, balance }, userId) => ({
      hold: toHold(hold, hold.createdAt, userId),
      // What the holder has is not the receiver's business.
      balance: hold.userId === userId ? toMoney(hold.currency, balance) : undefined,
    }),
  }),

  async getHold({ holdId, reference }, { userId }) {
    const { id } = await findByReference(core, userId, 'hold', { id: holdId, reference });
    return { hold: toHoldOf(await getHoldView(core, userId, id), userId) };
  },

  async listHolds(request, { userId }) {
    const walletId = request.walletId.toLowerCase();
    const states = HOLD_STATES.filter((state) => request.states.includes(STATES[state]));
    const list = ['v2.holds', userId, walletId, states];
    const after = decodeTimeToken(list, request.pageToken);
    const wallet = walletRef(walletId, 'wallet_id');
    const page = await listHolds(core, userId, wallet, {
      states,
      after,
      size: pageSize(request.pageSize),
    });
    return {
      holds: page.items.map((view) => toHoldOf(view, userId)),
      nextPageToken: encodeTimeToken(list, page.next),
    };
  },
});

const STATES: Record<HoldState, WireState> = {
  open: WireState.OPEN,
  captured: WireState.CAPTURED,
  voided: WireState.VOIDED,
  // Only gifts are declined.
  declined: WireState.VOIDED,
  expired: WireState.EXPIRED,
};

function toHoldOf({ hold, at }: HoldView, userId: bigint) {
  return toHold(hold, at, userId);
}

/** The hold as a user, its holder or its receiver, sees it at a moment. */
function toHold(hold: Hold, at: Micros, userId: bigint) {
  const { currency, receiver, closedAt } = hold;
  return {
    holdId: hold.id,
    walletId: hold.walletId,
    userId: hold.userId,
    creditWalletId: receiver?.walletId ?? '',
    creditUserId: receiver?.userId ?? 0n,
    amount: toMoney(currency, hold.amount),
    capturedAmount: toMoney(currency, hold.capturedAmount),
    remainingAmount: toMoney(currency, remainingOf(hold)),
    state: STATES[stateAt(hold, at)],
    reason: hold.reason,
    createdAt: toTimestamp(hold.createdAt),
    expiresAt: toTimestamp(hold.expiresAt),
    closedAt: closedAt === undefined ? undefined : toTimestamp(closedAt),
    ...shownAnnotation(hold.annotation, userId),
  };
}
