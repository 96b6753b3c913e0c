// Refusals of payouts, and of calls that would fill an account above what it can hold.
import type { Identity, Json } from '../../api-client.ts';
import type { Stack } from '../../stack.ts';
import { giftOfRich, giftsForFull } from './gifts.ts';
import { holdOfRich, holdsForFull } from './holds.ts';
import {
  by,
  FULL,
  inRoom,
  JUNHO,
  keyed,
  MINJI,
  NO_ID,
  RICH,
  ROOM,
  type Scene,
  SPENDER,
  textIn,
  won,
} from './people.ts';
import type { Recorder } from './recorder.ts';
import { paymentOfRich, refundToFull } from './refunds.ts';

const SERVICE = 'wallet.v2.PayoutService';
const LARGEST = 9_007_199_254_740_991;
/** An account holds 1,024 times the largest amount of a transfer, and 1,023 more. */
const MOST_TIMES = 1024;
const ITEMS = 1000;

async function draftOf(
  record: Recorder,
  scene: Scene,
  user: number,
  mode: string,
  lines: Json[],
): Promise<string> {
  const request = { wallet_id: scene.wallets.get(user) ?? '', mode };
  const made = await record.call(`${SERVICE}/CreatePayout`, request, keyed(user));
  const payout_id = textIn(made, 'payout', 'payout_id');
  if (lines.length > 0)
    await record.call(`${SERVICE}/AddPayoutLines`, { payout_id, first_line: 1, lines }, by(user));
  return payout_id;
}

type Wanted = readonly [reason: string, rpc: string, request: Json, identity: Identity];

const line = (user: number, amount: number): Json => ({ user_id: String(user), amount: won(amount) });

/** Of payouts. `cancelled` is one of Minji's that is cancelled. */
export async function ofPayouts(
  record: Recorder,
  scene: Scene,
  cancelled: string,
  stack: Stack,
): Promise<void> {
  const none = { payout_id: NO_ID };
  const over = { payout_id: cancelled };
  const lines = [line(JUNHO, 1000)];
  const added = { first_line: 1, lines };
  for (const _ of [1, 2, 3]) await draftOf(record, scene, FULL, 'PAYOUT_MODE_EACH', []);
  const draft = await draftOf(record, scene, MINJI, 'PAYOUT_MODE_ALL_OR_NOTHING', [line(JUNHO, 900_000_000)]);
  const bad = await draftOf(record, scene, MINJI, 'PAYOUT_MODE_ALL_OR_NOTHING', [line(9999, 1000)]);
  const done = await draftOf(record, scene, MINJI, 'PAYOUT_MODE_EACH', [line(9999, 1000)]);
  await record.call(`${SERVICE}/StartPayout`, { payout_id: done, line_count: 1 }, keyed(MINJI));
  // As a worker ends it.
  await stack.db.query(
    "UPDATE payouts SET state = 'done', failed_count = 1, next_line = 2, ended_at = now() WHERE id = $1",
    [done],
  );
  const pay = (name: string) => `${SERVICE}/${name}`;
  const wallet = (id: string): Json => ({ wallet_id: id, mode: 'PAYOUT_MODE_EACH' });
  const wanted = [
    ['WALLET_NOT_FOUND', 'CreatePayout', wallet(NO_ID), keyed(MINJI)],
    [
      'REFERENCE_REUSED',
      'CreatePayout',
      { ...wallet(scene.wallets.get(MINJI) ?? ''), reference: 'prizes' },
      keyed(MINJI),
    ],
    ['QUOTA_EXCEEDED', 'CreatePayout', wallet(scene.wallets.get(FULL) ?? ''), keyed(FULL)],
    ['PAYOUT_NOT_FOUND', 'AddPayoutLines', { ...none, ...added }, by(MINJI)],
    ['PAYOUT_STARTED', 'AddPayoutLines', { ...over, first_line: 4, lines }, by(MINJI)],
    ['LINE_OUT_OF_ORDER', 'AddPayoutLines', { payout_id: draft, first_line: 3, lines }, by(MINJI)],
    ['PAYOUT_NOT_FOUND', 'StartPayout', { ...none, line_count: 1 }, keyed(MINJI)],
    ['PAYOUT_STARTED', 'StartPayout', { ...over, line_count: 3 }, keyed(MINJI)],
    ['PAYOUT_HAS_INVALID_LINES', 'StartPayout', { payout_id: bad, line_count: 1 }, keyed(MINJI)],
    ['BALANCE_TOO_LOW', 'StartPayout', { payout_id: draft, line_count: 1 }, keyed(MINJI)],
    ['PAYOUT_NOT_FOUND', 'GetPayout', none, by(MINJI)],
    ['PAYOUT_NOT_FOUND', 'WatchPayout', none, by(MINJI)],
    ['PAYOUT_NOT_FOUND', 'ListPayoutFailures', none, by(MINJI)],
    ['PAYOUT_NOT_FOUND', 'CancelPayout', none, keyed(MINJI)],
    ['PAYOUT_STARTED', 'CancelPayout', { payout_id: done }, keyed(MINJI)],
  ] as const;
  for (const [reason, name, request, identity] of wanted)
    await record.refused(reason, pay(name), request, identity);
}

/** Of an account that is full: overdrafts of another one bring more money into being than the outside ever gave. */
export async function ofFullAccounts(
  record: Recorder,
  scene: Scene,
  made: Json,
  stack: Stack,
): Promise<void> {
  const rich = { wallet_id: scene.wallets.get(RICH) ?? '' };
  const token = textIn(made, 'sprinkle', 'token');
  await record.call('wallet.v1.WalletService/Charge', { amount: '60000' }, keyed(RICH));
  const payout_id = await draftOf(record, scene, RICH, 'PAYOUT_MODE_EACH', [line(JUNHO, 40_000)]);
  await record.call(`${SERVICE}/StartPayout`, { payout_id, line_count: 1 }, keyed(RICH));
  const sprinkle = await sprinkleOfRich(record, rich.wallet_id);
  const ofRich = await holdOfRich(record, scene);
  const payment = await paymentOfRich(record);
  const gift = await giftOfRich(record);
  await fill(record, scene, stack);
  await holdsForFull(record, scene, ofRich);
  await giftsForFull(record, gift);
  await refundToFull(record, payment);
  const toRich: Json = {
    ...{ debit_wallet_id: scene.wallets.get(MINJI) ?? '', credit_wallet_id: rich.wallet_id },
    amount: won(20_000),
  };
  const transfers = 'wallet.v2.TransferService';
  const wanted: readonly Wanted[] = [
    ['BALANCE_TOO_HIGH', `${transfers}/Deposit`, { ...rich, amount: won(20_000) }, keyed(RICH)],
    ['BALANCE_TOO_HIGH', `${transfers}/CreateTransfer`, toRich, keyed(MINJI)],
    [
      'BALANCE_TOO_HIGH',
      `${transfers}/BatchCreateTransfers`,
      { items: [toRich], mode: 'BATCH_MODE_ALL_OR_NOTHING' },
      keyed(MINJI),
    ],
    ['BALANCE_TOO_HIGH', 'wallet.v1.WalletService/Charge', { amount: '20000' }, keyed(RICH)],
    [
      'BALANCE_TOO_HIGH',
      'wallet.v1.WalletService/Transfer',
      { to_user_id: String(RICH), amount: '20000' },
      keyed(MINJI),
    ],
    ['BALANCE_TOO_HIGH', 'wallet.v2.SprinkleService/ClaimSprinkle', { room_id: ROOM, token }, keyed(RICH)],
    ['BALANCE_TOO_HIGH', 'wallet.v1.SprinkleService/ClaimSprinkle', { token }, inRoom(RICH)],
    ['BALANCE_TOO_HIGH', 'wallet.v2.SprinkleService/CancelSprinkle', sprinkle, keyed(RICH)],
    ['BALANCE_TOO_HIGH', `${SERVICE}/CancelPayout`, { payout_id }, keyed(RICH)],
  ];
  for (const [reason, rpc, request, identity] of wanted) await record.refused(reason, rpc, request, identity);
}

async function sprinkleOfRich(record: Recorder, wallet_id: string): Promise<Json> {
  const request = { room_id: ROOM, wallet_id, amount: won(1000), headcount: 2 };
  const made = await record.call('wallet.v2.SprinkleService/CreateSprinkle', request, keyed(RICH));
  return { room_id: ROOM, sprinkle_id: textIn(made, 'sprinkle', 'sprinkle_id') };
}

/** Fills the wallet of the rich user to the last won. */
async function fill(record: Recorder, scene: Scene, stack: Stack): Promise<void> {
  const [debit, credit] = [scene.wallets.get(SPENDER) ?? '', scene.wallets.get(RICH) ?? ''];
  await stack.db.query('UPDATE accounts SET overdraft_limit = 9223372036854775807 WHERE id = $1', [debit]);
  const item = (amount: number | bigint): Json => ({
    ...{ debit_wallet_id: debit, credit_wallet_id: credit },
    amount: { currency_code: 'KRW', minor_units: String(amount) },
  });
  const balance = await record.call('wallet.v1.WalletService/GetBalance', {}, by(RICH));
  const left = 2n ** 63n - 1n - BigInt(String(balance.balance)) - BigInt(LARGEST) * BigInt(MOST_TIMES - 1);
  const amounts = [...Array.from({ length: MOST_TIMES - 1 }, () => LARGEST), left];
  for (const items of [amounts.slice(0, ITEMS), amounts.slice(ITEMS)]) {
    const request = { items: items.map(item), mode: 'BATCH_MODE_ALL_OR_NOTHING' };
    await record.call('wallet.v2.TransferService/BatchCreateTransfers', request, keyed(SPENDER));
  }
}
