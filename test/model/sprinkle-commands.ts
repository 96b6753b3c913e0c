// Sprinkles in the model test: made, claimed and cancelled.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { won } from '../api.ts';
import { decideReason, type PlainModel } from './plain-model.ts';
import { act, amount, assertHas, maker, newest, which, who, yesOrNo } from './steps.ts';
import type { Sprinkle } from './things.ts';

const LIMIT_REASONS = ['LIMIT_EXCEEDED', 'HOLDING_LIMIT_REACHED'];

/** Somebody sprinkles. */
export const SPRINKLES = maker(
  'sprinkle',
  fc.tuple(who, amount, fc.integer({ min: 1, max: 4 })),
  (args, model, world) => {
    const [from, much, headcount] = args;
    return act(
      () =>
        world.call(from, 'wallet.v2.SprinkleService/CreateSprinkle', {
          room_id: world.room,
          wallet_id: world.walletOf(from),
          amount: won(much),
          headcount,
        }),
      () => model.sprinkle(from, much, headcount),
      () => ({ sprinkle: { amount: won(much), headcount } }),
      (sprinkle, answer) => {
        sprinkle.id = String(answer.at('sprinkle', 'sprinkle_id'));
        sprinkle.token = String(answer.at('sprinkle', 'token'));
      },
    );
  },
);

/** Only the product knows the next share: a limit may refuse it if it refuses the largest one that it can be. */
function assertRefusedClaim(
  reason: string,
  expected: string | undefined,
  model: PlainModel,
  { left, sharesLeft }: Sprinkle,
  by: number,
): void {
  const limited = decideReason(() => model.mayReceive(by, left - (sharesLeft - 1), true));
  if (expected !== undefined || sharesLeft === 1 || limited === 'WALLET_FROZEN')
    assert.equal(reason, expected ?? limited);
  else assert.ok(limited !== undefined && LIMIT_REASONS.includes(reason), reason);
}

/** Somebody claims a share, of which only the product knows how large it is. */
export const CLAIMS = maker('claim', fc.tuple(which, who), ([back, by], model, world) => {
  const picked = newest(model.sprinkles, back);
  // A token names the newest sprinkle that has it: those of sprinkles that are over come again.
  const sprinkle = model.sprinkles.findLast(({ token }) => token === picked?.token);
  if (!sprinkle) return undefined;
  return {
    call: () =>
      world.call(by, 'wallet.v2.SprinkleService/ClaimSprinkle', {
        room_id: world.room,
        token: sprinkle.token,
      }),
    compare(answer) {
      const refusedFor = decideReason(() => model.mayClaim(sprinkle, by));
      if (refusedFor !== undefined || answer.reason !== '') {
        assertRefusedClaim(answer.reason, refusedFor, model, sprinkle, by);
        return;
      }
      const share = Number(answer.at('amount', 'minor_units'));
      assert.ok(model.isShare(sprinkle, share), `a share of ${share}`);
      assert.equal(
        decideReason(() => model.mayReceive(by, share, true)),
        undefined,
      );
      model.claim(sprinkle, by, share).id = String(answer.body.transfer_id);
      assertHas(answer.body, { balance: won(model.balanceOf(by)) });
    },
  };
});

/** The creator, or another one, cancels a sprinkle. */
export const CANCELLED = maker('cancel a sprinkle', fc.tuple(which, who, yesOrNo), (args, model, world) => {
  const [back, other, byCreator] = args;
  const sprinkle = newest(model.sprinkles, back);
  if (!sprinkle) return undefined;
  const by = byCreator ? sprinkle.from : other;
  return act(
    () =>
      world.call(by, 'wallet.v2.SprinkleService/CancelSprinkle', {
        room_id: world.room,
        sprinkle_id: sprinkle.id,
      }),
    () => model.cancelSprinkle(sprinkle, by),
    () => ({ balance: won(model.balanceOf(by)), sprinkle: { state: 'SPRINKLE_STATE_CANCELLED' } }),
  );
});
