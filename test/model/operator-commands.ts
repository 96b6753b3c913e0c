// What operators do in the model test: limits of users, freezes, reversals, and closed wallets.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { won } from '../api.ts';
import type { PlainModel } from './plain-model.ts';
import { MOST_HELD } from './product.ts';
import { act, amount, assertHas, command, maker, newest, perhaps, which, who } from './steps.ts';
import type { UserLimits } from './things.ts';

const DAY_MS = 24 * 60 * 60_000;

/** The kinds of limits, as the product and the model name them. */
const KINDS = [
  ['CALL', 'call'],
  ['HELD', 'held'],
  ['DAY_OUT', 'dayOut'],
  ['DAY_IN', 'dayIn'],
  ['DAY_COUNT', 'dayCount'],
] as const;

/** What a user has used of a limit. */
function usedOf(model: PlainModel, user: number, name: keyof UserLimits): number {
  const moved = model.movedBy(user);
  return {
    ...{ call: 0, held: model.holdingOf(user) },
    ...{ dayOut: moved.out, dayIn: moved.in, dayCount: moved.count },
  }[name];
}

/**
 * An operator sets a limit of one user, or ends it. What the user holds already stays, and of what is counted on the day some is
 * left.
 */
export const LIMITS = maker(
  'limit',
  fc.tuple(
    who,
    fc.constantFrom(...KINDS),
    fc.option(fc.integer({ min: 0, max: 30_000 }), { nil: undefined }),
  ),
  ([user, [kind, name], much], model, world) => {
    const before = name === 'call' || name === 'held' ? 0 : usedOf(model, user, name);
    const limit = much && before + (name === 'dayCount' ? much % 20 : much);
    const one = act(
      () =>
        world.product.call(
          'admin.v1.LimitService/PutOverride',
          {
            ...{ user_id: world.idOf(user), currency_code: 'KRW', reason: 'The model' },
            kind: `LIMIT_KIND_${kind}`,
            ...(limit !== undefined && { limit, until: new Date(Date.now() + DAY_MS).toISOString() }),
          },
          {},
        ),
      () => {
        model.limits[user] = { ...model.limits[user], [name]: limit };
      },
    );
    return { ...one, sets: `${kind} of ${user}` };
  },
);

/** A user reads how much of its limits is used and left. */
export const STANDINGS = command('limits', who, async (user, model, world) => {
  const shown = await world.read(user, 'wallet.v2.WalletService/GetLimits', { currency_code: 'KRW' });
  for (const [kind, name] of KINDS) {
    const limit = model.limits[user]?.[name] ?? (name === 'held' ? MOST_HELD : undefined);
    const found = shown.list('limits').find((one) => one.kind === `LIMIT_KIND_${kind}`);
    if (limit === undefined) {
      assert.equal(found, undefined);
      continue;
    }
    const used = usedOf(model, user, name);
    const left = Math.max(0, limit - used);
    assertHas(
      found,
      name === 'dayCount'
        ? { count_limit: String(limit), count_left: String(left) }
        : { limit: won(limit), used: won(used), left: won(left) },
    );
  }
});

/** An operator takes back what somebody was paid, all that is left of it or a part. */
export const REVERSALS = maker('reverse', fc.tuple(which, perhaps), ([back, asked], model, world) => {
  const payment = newest(model.payments, back);
  if (!payment) return undefined;
  return act(
    () =>
      world.product.call(
        'admin.v1.AccountService/ReverseTransfer',
        { transfer_id: payment.id, reason: 'The model', ...(asked && { amount: won(asked) }) },
        { idempotencyKey: crypto.randomUUID() },
      ),
    () => model.reverse(payment, asked),
    (much) => ({
      transfer: { amount: won(much), kind: 'TRANSFER_KIND_REVERSAL', refunds_transfer_id: payment.id },
    }),
  );
});

/**
 * A user opens another wallet, which cannot be closed while it has money. The money goes to the user's first wallet, which counts
 * as nothing. Of a frozen user only an operator closes a wallet.
 */
export const CLOSINGS = command('close', fc.tuple(who, amount), async ([user, much], model, world) => {
  const service = 'wallet.v2.WalletService';
  const opened = await world.call(user, `${service}/CreateWallet`, {
    currency_code: 'KRW',
    display_name: 'Another',
  });
  assert.equal(opened.reason, '');
  const wallet_id = String(opened.at('wallet', 'wallet_id'));
  const close = () => world.call(user, `${service}/CloseWallet`, { wallet_id });
  const fill = () => world.call(user, 'wallet.v2.TransferService/Deposit', { wallet_id, amount: won(much) });
  const { out, in: into } = model.frozen[user] ?? {};
  if (out || into) {
    assert.equal((await close()).reason, 'WALLET_FROZEN');
    const request = { wallet_id, reason: 'The model' };
    assert.equal((await world.product.call('admin.v1.AccountService/CloseWallet', request, {})).reason, '');
    return;
  }
  const filled = act(
    fill,
    () => model.deposit(user, much),
    () => ({ balance: won(much) }),
  );
  filled.compare(await filled.call());
  if ((await close()).reason !== '') {
    const back = await world.call(user, 'wallet.v2.TransferService/CreateTransfer', {
      debit_wallet_id: wallet_id,
      credit_wallet_id: world.walletOf(user),
      amount: won(much),
    });
    assert.equal(back.reason, '');
    assertHas((await close()).body, { wallet: { state: 'WALLET_STATE_CLOSED' } });
  }
  assert.equal((await fill()).reason, 'WALLET_CLOSED');
});

/** An operator freezes a user, or changes how. */
export const FREEZES = maker(
  'freeze',
  fc.tuple(who, fc.constantFrom('OUT', 'IN', 'BOTH')),
  ([user, direction], model, world) => {
    const request = { ...caseOf(world.idOf(user)), direction: `FREEZE_DIRECTION_${direction}` };
    const one = act(
      () => world.product.call('admin.v1.AccountService/Freeze', request, {}),
      () => {
        model.frozen[user] = { out: direction !== 'IN', in: direction !== 'OUT' };
      },
    );
    return { ...one, sets: `freeze of ${user}` };
  },
);

/** An operator lifts the freeze of a user. */
export const THAWS = command('thaw', who, async (user, model, world) => {
  const request = caseOf(world.idOf(user));
  const { reason } = await world.product.call('admin.v1.AccountService/Unfreeze', request, {});
  const { out, in: into } = model.frozen[user] ?? {};
  // One that was lifted, and whose answer was lost, is not found when the call is repeated.
  if (!(out || into) || reason !== '') assert.equal(reason, 'FREEZE_NOT_FOUND');
  model.frozen[user] = { out: false, in: false };
});

const caseOf = (user_id: string) => ({ user_id, case_id: 'model', reason: 'The model' });
