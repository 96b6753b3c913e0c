// The examples of limits, and a refusal for each of their reasons. Operators set them, over gRPC.
import assert from 'node:assert/strict';
import type { Identity, Json } from '../../api-client.ts';
import type { Stack } from '../../stack.ts';
import { by, inRoom, keyed, NOBODY, textIn, won } from './people.ts';
import type { Recorder } from './recorder.ts';

const [WALLETS, TRANSFERS, HOLDS] = [
  'wallet.v2.WalletService',
  'wallet.v2.TransferService',
  'wallet.v2.HoldService',
];
const [PAYOUTS, SPRINKLES, GIFTS] = [
  'wallet.v2.PayoutService',
  'wallet.v2.SprinkleService',
  'wallet.v2.GiftService',
];
const [JIWOO, DAEUN] = [1008, 1009];
const ROOM = 'savings';

async function admin(stack: Stack, rpc: string, request: Json): Promise<void> {
  const answer = await stack.grpc.call(`admin.v1.LimitService/${rpc}`, request, {});
  assert.equal(answer.status, 0, answer.reason);
}

const put = (stack: Stack, limits: Json) =>
  admin(stack, 'PutPolicy', { policy: { tier: 'unverified', currency_code: 'KRW', ...limits } });

type Wanted = readonly [rpc: string, request: Json, identity: Identity];

/** What two users have prepared before there are limits. */
interface Prepared {
  readonly wallet: string;
  readonly other: string;
  readonly named: Json;
  readonly open: Json;
  readonly tokens: readonly string[];
  readonly draft: Json;
  readonly gift: Json;
}

async function prepare(record: Recorder, stack: Stack): Promise<Prepared> {
  await stack.addUsers([JIWOO, DAEUN]);
  await stack.addRoom(ROOM, [JIWOO, DAEUN]);
  await record.call('wallet.v1.WalletService/Charge', { amount: '50000' }, keyed(JIWOO));
  const wallet = await stack.as(JIWOO).defaultWallet();
  const hold = async (to: Json) => {
    const asked = { wallet_id: wallet, amount: won(2000), ...to };
    return {
      hold_id: textIn(await record.call(`${HOLDS}/CreateHold`, asked, keyed(JIWOO)), 'hold', 'hold_id'),
    };
  };
  const token = async () => {
    const asked = { room_id: ROOM, amount: won(2000), headcount: 1, wallet_id: wallet };
    const made = await record.call(`${SPRINKLES}/CreateSprinkle`, asked, keyed(JIWOO));
    return textIn(made, 'sprinkle', 'token');
  };
  const payout = { wallet_id: wallet, mode: 'PAYOUT_MODE_EACH' };
  const made = await record.call(`${PAYOUTS}/CreatePayout`, payout, keyed(JIWOO));
  const draft = { payout_id: textIn(made, 'payout', 'payout_id') };
  const lines = [{ user_id: String(DAEUN), amount: won(2000) }];
  await record.call(`${PAYOUTS}/AddPayoutLines`, { ...draft, first_line: 1, lines }, by(JIWOO));
  const present = { amount: won(2000), credit_user_id: String(DAEUN) };
  const sent = await record.call(`${GIFTS}/CreateGift`, present, keyed(JIWOO));
  return {
    wallet,
    other: await stack.as(DAEUN).defaultWallet(),
    named: await hold({ credit_user_id: String(DAEUN) }),
    open: await hold({}),
    tokens: [await token(), await token()],
    draft,
    gift: { gift_id: textIn(sent, 'gift', 'gift_id') },
  };
}

/** How a user stands, whether a transfer would be posted, and what limits refuse. */
export async function limits(record: Recorder, stack: Stack): Promise<void> {
  const { wallet, other, named, open, tokens, draft, gift } = await prepare(record, stack);
  const pay = {
    debit_wallet_id: wallet,
    credit_user_id: String(DAEUN),
    amount: won(2000),
  };
  const lira = { currency_code: 'TRY', minor_units: '1000' };
  const batch = { items: [pay], mode: 'BATCH_MODE_ALL_OR_NOTHING' };
  const transfer = { to_user_id: String(DAEUN), amount: '2000' };
  const deposit = { wallet_id: wallet, amount: won(2000) };
  const [first = '', second = ''] = tokens;
  await put(stack, { held: '500000', call: '1000', day_out: '100000', day_count: '20' });
  await record.done(`${WALLETS}/GetLimits`, { currency_code: 'KRW' }, by(JIWOO));
  await record.done(`${TRANSFERS}/CheckTransfer`, pay, by(JIWOO));
  const exceeding: readonly Wanted[] = [
    [`${TRANSFERS}/Deposit`, deposit, keyed(JIWOO)],
    [`${TRANSFERS}/Withdraw`, deposit, keyed(JIWOO)],
    [`${TRANSFERS}/CreateTransfer`, pay, keyed(JIWOO)],
    [`${TRANSFERS}/BatchCreateTransfers`, batch, keyed(JIWOO)],
    ['wallet.v1.WalletService/Charge', { amount: '2000' }, keyed(JIWOO)],
    ['wallet.v1.WalletService/Transfer', transfer, keyed(JIWOO)],
    [`${HOLDS}/CreateHold`, deposit, keyed(JIWOO)],
    [`${HOLDS}/CaptureHold`, named, keyed(DAEUN)],
    [`${SPRINKLES}/CreateSprinkle`, { ...deposit, room_id: ROOM, headcount: 1 }, keyed(JIWOO)],
    [`${SPRINKLES}/ClaimSprinkle`, { room_id: ROOM, token: first }, keyed(DAEUN)],
    ['wallet.v1.SprinkleService/CreateSprinkle', { amount: '2000', headcount: 1 }, inRoom(JIWOO, ROOM)],
    ['wallet.v1.SprinkleService/ClaimSprinkle', { token: second }, inRoom(DAEUN, ROOM)],
    [`${GIFTS}/CreateGift`, { amount: won(2000), credit_user_id: String(DAEUN) }, keyed(JIWOO)],
    [`${GIFTS}/AcceptGift`, gift, keyed(DAEUN)],
    [`${PAYOUTS}/StartPayout`, { ...draft, line_count: 1 }, keyed(JIWOO)],
  ];
  for (const [rpc, request, identity] of exceeding)
    await record.refused('LIMIT_EXCEEDED', rpc, request, identity);
  await put(stack, { held: '1000' });
  const holding: readonly Wanted[] = [
    [`${TRANSFERS}/Deposit`, { wallet_id: other, amount: won(2000) }, keyed(DAEUN)],
    ['wallet.v1.WalletService/Charge', { amount: '2000' }, keyed(DAEUN)],
    [`${HOLDS}/CaptureHold`, named, keyed(DAEUN)],
    [`${SPRINKLES}/ClaimSprinkle`, { room_id: ROOM, token: first }, keyed(DAEUN)],
    ['wallet.v1.SprinkleService/ClaimSprinkle', { token: second }, inRoom(DAEUN, ROOM)],
  ];
  for (const [rpc, request, identity] of [...holding, [`${GIFTS}/AcceptGift`, gift, keyed(DAEUN)] as const])
    await record.refused('HOLDING_LIMIT_REACHED', rpc, request, identity);
  const receiving: readonly Wanted[] = [
    [`${TRANSFERS}/CreateTransfer`, pay, keyed(JIWOO)],
    [`${TRANSFERS}/BatchCreateTransfers`, batch, keyed(JIWOO)],
    ['wallet.v1.WalletService/Transfer', transfer, keyed(JIWOO)],
    [`${HOLDS}/CaptureHold`, { ...open, credit_user_id: String(DAEUN) }, keyed(JIWOO)],
  ];
  for (const [rpc, request, identity] of receiving)
    await record.refused('RECEIVER_LIMIT_REACHED', rpc, request, identity);
  await record.refused('UNKNOWN_CURRENCY', `${WALLETS}/GetLimits`, { currency_code: 'TRY' }, by(JIWOO));
  await record.refused('USER_NOT_FOUND', `${WALLETS}/GetLimits`, { currency_code: 'KRW' }, by(NOBODY));
  await record.refused('UNKNOWN_CURRENCY', `${TRANSFERS}/CheckTransfer`, { ...pay, amount: lira }, by(JIWOO));
  await admin(stack, 'DeletePolicy', { tier: 'unverified', currency_code: 'KRW' });
}
