// What the model test does, each thing as a command of fast-check. A new kind of call is one more entry of COMMANDS.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { won } from '../api.ts';
import type { Answer, Json } from '../api-client.ts';
import { until } from '../until.ts';
import { BATCHES } from './batch-commands.ts';
import { CLOSINGS, FREEZES, LIMITS, REVERSALS, STANDINGS, THAWS } from './operator-commands.ts';
import type { PlainModel } from './plain-model.ts';
import { CANCELLED, CLAIMS, SPRINKLES } from './sprinkle-commands.ts';
import {
  act,
  alone,
  amount,
  annotated,
  assertHas,
  atOnce,
  type Command,
  command,
  decide,
  type Maker,
  maker,
  newest,
  PEOPLE,
  perhaps,
  references,
  which,
  who,
  yesOrNo,
} from './steps.ts';
import type { SetAside } from './things.ts';

const ofKind = (model: PlainModel, kind: SetAside['kind']) =>
  model.setAside.filter((one) => one.kind === kind);

const transferId = (answer: Answer) => String(answer.at('transfer', 'transfer_id'));

const DEPOSITS = maker('deposit', fc.tuple(who, amount), ([user, much], model, world) =>
  act(
    () =>
      world.call(user, 'wallet.v2.TransferService/Deposit', {
        wallet_id: world.walletOf(user),
        amount: won(much),
      }),
    () => model.deposit(user, much),
    () => ({ balance: won(model.balanceOf(user)) }),
  ),
);

const WITHDRAWALS = maker('withdraw', fc.tuple(who, amount), ([user, much], model, world) =>
  act(
    () =>
      world.call(user, 'wallet.v2.TransferService/Withdraw', {
        wallet_id: world.walletOf(user),
        amount: won(much),
      }),
    () => model.withdraw(user, much),
    () => ({ balance: won(model.balanceOf(user)) }),
  ),
);

const TRANSFERS = maker(
  'transfer',
  fc.tuple(who, who, amount, references),
  ([from, to, much, reference], model, world) =>
    act(
      () =>
        world.call(from, 'wallet.v2.TransferService/CreateTransfer', {
          debit_wallet_id: world.walletOf(from),
          credit_user_id: world.idOf(to),
          amount: won(much),
          ...annotated(reference),
        }),
      () => model.transfer(from, to, much, reference),
      () => ({
        balance: won(model.balanceOf(from)),
        transfer: { kind: 'TRANSFER_KIND_TRANSFER', reference },
      }),
      (payment, answer) => {
        payment.id = transferId(answer);
      },
    ),
);

/** A transfer is found by its reference and by its label, by the user who gave them, and by nobody else. */
const FINDS = command('find', fc.tuple(who, references, yesOrNo), async (args, model, world) => {
  const [user, reference, byLabel] = args;
  if (reference === '') return;
  const by = byLabel ? { label_key: 'order', label_value: reference } : { reference };
  const found = await world.read(user, 'wallet.v2.WalletService/ListTransactions', {
    wallet_id: world.walletOf(user),
    ...by,
  });
  const payment = model.references[user]?.get(reference);
  const ids = found.list('transactions').map(({ transfer }) => (transfer as Json).transfer_id);
  assert.deepEqual(ids, payment ? [payment.id] : []);
});

const REFUNDS = maker('refund', fc.tuple(which, who, yesOrNo, perhaps), (args, model, world) => {
  const [back, other, byReceiver, asked] = args;
  const payment = newest(model.payments, back);
  if (!payment) return undefined;
  const by = byReceiver ? payment.to : other;
  return act(
    () =>
      world.call(by, 'wallet.v2.TransferService/RefundTransfer', {
        transfer_id: payment.id,
        ...(asked && { amount: won(asked) }),
      }),
    () => model.refund(payment, by, asked),
    (much) => ({
      balance: won(model.balanceOf(by)),
      transfer: { amount: won(much), refunds_transfer_id: payment.id },
    }),
  );
});

const HOLDS = maker(
  'hold',
  fc.tuple(who, fc.option(who, { nil: undefined }), amount),
  ([from, to, much], model, world) =>
    act(
      () =>
        world.call(from, 'wallet.v2.HoldService/CreateHold', {
          wallet_id: world.walletOf(from),
          amount: won(much),
          ...(to !== undefined && { credit_user_id: world.idOf(to) }),
        }),
      () => model.hold(from, to, much),
      () => ({
        balance: won(model.balanceOf(from)),
        hold: { state: 'HOLD_STATE_OPEN', remaining_amount: won(much) },
      }),
      (hold, answer) => {
        hold.id = String(answer.at('hold', 'hold_id'));
      },
    ),
);

const CAPTURES = maker(
  'capture',
  fc.tuple(which, who, yesOrNo, perhaps, yesOrNo, who),
  ([back, other, byRight, asked, isFinal, payee], model, world) => {
    const hold = newest(ofKind(model, 'hold'), back);
    if (!hold) return undefined;
    const by = byRight ? (hold.to ?? hold.from) : other;
    return act(
      () =>
        world.call(by, 'wallet.v2.HoldService/CaptureHold', {
          hold_id: hold.id,
          final: isFinal,
          ...(asked && { amount: won(asked) }),
          ...(hold.to === undefined && { credit_user_id: world.idOf(payee) }),
        }),
      () => model.capture(hold, by, payee, asked, isFinal),
      (payment) => ({
        hold: {
          state: `HOLD_STATE_${hold.state.toUpperCase()}`,
          captured_amount: won(hold.captured),
          remaining_amount: won(hold.left),
        },
        transfer: { amount: won(payment.amount), kind: 'TRANSFER_KIND_CAPTURE', hold_id: hold.id },
      }),
      (payment, answer) => {
        payment.id = transferId(answer);
      },
    );
  },
);

const VOIDS = maker('void', fc.tuple(which, who), ([back, by], model, world) => {
  const hold = newest(ofKind(model, 'hold'), back);
  if (!hold) return undefined;
  return act(
    () => world.call(by, 'wallet.v2.HoldService/VoidHold', { hold_id: hold.id }),
    () => model.void(hold, by),
    () => ({ hold: { state: 'HOLD_STATE_VOIDED', remaining_amount: won(0) } }),
  );
});

const GIFTS = maker('gift', fc.tuple(who, who, amount), ([from, to, much], model, world) =>
  act(
    () =>
      world.call(from, 'wallet.v2.GiftService/CreateGift', {
        credit_user_id: world.idOf(to),
        amount: won(much),
      }),
    () => model.hold(from, to, much, 'gift'),
    () => ({ balance: won(model.balanceOf(from)), gift: { state: 'GIFT_STATE_OPEN', amount: won(much) } }),
    (gift, answer) => {
      gift.id = String(answer.at('gift', 'gift_id'));
    },
  ),
);

const ACCEPTED = maker('accept', fc.tuple(which, who, yesOrNo), (args, model, world) => {
  const [back, other, byReceiver] = args;
  const gift = newest(ofKind(model, 'gift'), back);
  if (gift?.to === undefined) return undefined;
  const by = byReceiver ? gift.to : other;
  return act(
    () => world.call(by, 'wallet.v2.GiftService/AcceptGift', { gift_id: gift.id }),
    () => model.accept(gift, by),
    () => ({
      balance: won(model.balanceOf(by)),
      gift: { state: 'GIFT_STATE_ACCEPTED' },
      transfer: { amount: won(gift.amount), gift_id: gift.id },
    }),
    (payment, answer) => {
      payment.id = transferId(answer);
    },
  );
});

const GIVEN_BACK = maker('give back', fc.tuple(which, who, yesOrNo), (args, model, world) => {
  const [back, by, isDecline] = args;
  const gift = newest(ofKind(model, 'gift'), back);
  if (!gift) return undefined;
  const rpc = isDecline ? 'wallet.v2.GiftService/DeclineGift' : 'wallet.v2.GiftService/CancelGift';
  return act(
    () => world.call(by, rpc, { gift_id: gift.id }),
    () => (isDecline ? model.decline(gift, by) : model.cancel(gift, by)),
    () => ({ gift: { state: isDecline ? 'GIFT_STATE_DECLINED' : 'GIFT_STATE_CANCELLED' } }),
  );
});

const PAYOUTS = command(
  'pay out',
  fc.tuple(who, fc.array(amount, { minLength: 1, maxLength: PEOPLE - 1 }), yesOrNo),
  async ([from, amounts, each], model, world) => {
    // One line for each of the others, as far as there are amounts.
    const lines = amounts.map((much, index) => ({ to: (from + 1 + index) % PEOPLE, amount: much }));
    const service = 'wallet.v2.PayoutService';
    const made = await world.call(from, `${service}/CreatePayout`, {
      wallet_id: world.walletOf(from),
      mode: each ? 'PAYOUT_MODE_EACH' : 'PAYOUT_MODE_ALL_OR_NOTHING',
    });
    const payout_id = String(made.at('payout', 'payout_id'));
    await world.read(from, `${service}/AddPayoutLines`, {
      payout_id,
      first_line: 1,
      lines: lines.map(({ to, amount: much }) => ({ user_id: world.idOf(to), amount: won(much) })),
    });
    const decided = decide(() => model.payOut(from, lines, each));
    const started = await world.call(from, `${service}/StartPayout`, { payout_id, line_count: lines.length });
    assert.equal(started.reason, 'reason' in decided ? decided.reason : '');
    if ('reason' in decided) {
      const cancelled = await world.call(from, `${service}/CancelPayout`, { payout_id });
      assertHas(cancelled.body, { payout: { state: 'PAYOUT_STATE_CANCELLED' } });
      return;
    }
    const done = await until('the payout is done', async () => {
      const { body } = await world.read(from, `${service}/GetPayout`, { payout_id });
      const payout = body.payout as Json;
      return payout.state === 'PAYOUT_STATE_DONE' && payout;
    });
    assertHas(done, { paid_count: decided.done.length, failed_count: lines.length - decided.done.length });
    for (const payment of decided.done) {
      const received = await world.read(payment.to, 'wallet.v2.WalletService/ListTransactions', {
        wallet_id: world.walletOf(payment.to),
        kinds: ['TRANSFER_KIND_PAYOUT_LINE'],
        page_size: 1,
      });
      const transfer = received.list('transactions')[0]?.transfer as Json;
      assertHas(transfer, { amount: won(payment.amount) });
      payment.id = String(transfer.transfer_id);
    }
  },
);

/** The time of a hold, a gift or a sprinkle is over: a worker gives back what is left. */
const EXPIRIES = command('expire', fc.tuple(which, yesOrNo), async ([back, isSprinkle], model, world) => {
  if (isSprinkle) {
    const sprinkle = newest(model.sprinkles, back);
    if (!sprinkle) return;
    await world.product.expire('sprinkles', sprinkle.id);
    model.expireSprinkle(sprinkle);
    return;
  }
  const one = newest(model.setAside, back);
  if (!one) return;
  await world.product.expire('holds', one.id);
  model.expire(one);
});

/** A client that does not know of its answer asks again. */
const REPEATS = command('repeat', fc.constant(undefined), (_, _model, world) => world.repeat());

/** Gifts alone, and how they go back. */
export const GIFTS_GIVEN_BACK = fc.oneof(alone(GIFTS), alone(GIVEN_BACK));

/** Calls that the model decides, in shares. */
const ACTS: readonly { weight: number; arbitrary: fc.Arbitrary<Maker> }[] = [
  { weight: 5, arbitrary: DEPOSITS },
  { weight: 4, arbitrary: WITHDRAWALS },
  { weight: 10, arbitrary: TRANSFERS },
  { weight: 6, arbitrary: BATCHES },
  { weight: 12, arbitrary: REFUNDS },
  { weight: 12, arbitrary: HOLDS },
  { weight: 20, arbitrary: CAPTURES },
  { weight: 6, arbitrary: VOIDS },
  { weight: 10, arbitrary: GIFTS },
  { weight: 12, arbitrary: ACCEPTED },
  { weight: 8, arbitrary: GIVEN_BACK },
  { weight: 6, arbitrary: SPRINKLES },
  { weight: 12, arbitrary: CLAIMS },
  { weight: 3, arbitrary: CANCELLED },
  { weight: 4, arbitrary: REVERSALS },
  { weight: 3, arbitrary: LIMITS },
  { weight: 1, arbitrary: FREEZES },
];

const times = (count: number, one: fc.Arbitrary<Command>) => Array.from({ length: count }, () => one);

/** All that is done, in shares: what takes a job of the worker is rare, because it takes a second. */
export const COMMANDS: fc.Arbitrary<Command>[] = [
  ...ACTS.flatMap(({ weight, arbitrary }) => times(weight, alone(arbitrary))),
  ...times(30, atOnce(fc.oneof(...ACTS))),
  ...times(2, PAYOUTS),
  ...times(1, EXPIRIES),
  ...times(3, REPEATS),
  ...times(3, FINDS),
  ...times(3, STANDINGS),
  ...times(2, CLOSINGS),
  ...times(2, THAWS),
];
