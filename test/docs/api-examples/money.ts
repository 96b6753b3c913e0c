// The examples of wallets, transfers, sprinkles and payouts.
import assert from 'node:assert/strict';
import { connect } from '../../../clients/typescript/src/connection.ts';
import type { Json } from '../../api-client.ts';
import type { Stack } from '../../stack.ts';
import {
  by,
  dollars,
  HAEUN,
  inRoom,
  JUNHO,
  keyed,
  MINJI,
  NOBODY,
  ROOM,
  type Scene,
  SORA,
  textIn,
  won,
} from './people.ts';
import type { Recorder } from './recorder.ts';

/** The statement of a wallet, with the lines of the file as its answers. */
export async function statement(record: Recorder, scene: Scene, stack: Stack): Promise<void> {
  const rpc = 'wallet.v2.WalletService/ExportStatement';
  const connection = connect(stack.grpcAddress, stack.key);
  const wallet_id = scene.wallets.get(MINJI) ?? '';
  const request = { wallet_id, format: 'STATEMENT_FORMAT_NDJSON' };
  const pieces = [];
  for await (const piece of connection.statement(request, by(MINJI))) pieces.push(piece);
  connection.close();
  const lines = Buffer.concat(pieces).toString().trimEnd().split('\n');
  record.keep(
    rpc,
    request,
    by(MINJI),
    lines.map((line) => JSON.parse(line)),
  );
}

/** Wallets and transfers of wallet.v2. */
export async function transfers(record: Recorder, scene: Scene): Promise<void> {
  const [wallets, service] = ['wallet.v2.WalletService', 'wallet.v2.TransferService'];
  const mine = scene.wallets.get(MINJI) ?? '';
  const wallet = { wallet_id: mine };
  const travel = { currency_code: 'USD', display_name: 'Travel', reference: 'travel' };
  const opened = await record.done(`${wallets}/CreateWallet`, travel, keyed(MINJI, 'open-travel-wallet'));
  scene.dollars = textIn(opened, 'wallet', 'wallet_id');
  const salary = { ...wallet, amount: won(2_500_000), memo: 'Salary for January' };
  await record.done(`${service}/Deposit`, salary, keyed(MINJI, 'salary-2026-01'));
  const savings = { wallet_id: scene.dollars, amount: dollars(50_000) };
  await record.call(`${service}/Deposit`, savings, keyed(MINJI));
  const lunch = {
    debit_wallet_id: mine,
    credit_user_id: String(JUNHO),
    amount: won(12_500),
    memo: 'Lunch on Friday',
    reference: 'lunch-0105',
    labels: [{ key: 'project', value: 'winter-trip' }],
  };
  const made = await record.done(`${service}/CreateTransfer`, lunch, keyed(MINJI, 'lunch-2026-01-05'));
  scene.lunch = textIn(made, 'transfer', 'transfer_id');
  const item = (user: number, amount: number) => ({
    debit_wallet_id: mine,
    credit_user_id: String(user),
    amount: won(amount),
    memo: 'Taxi',
  });
  const items = [item(JUNHO, 15_000), item(NOBODY, 15_000)];
  const batch = { items, mode: 'BATCH_MODE_EACH' };
  await record.done(`${service}/BatchCreateTransfers`, batch, keyed(MINJI, 'taxi-2026-01-05'));
  const cash = { ...wallet, amount: won(100_000), memo: 'Cash' };
  await record.done(`${service}/Withdraw`, cash, keyed(MINJI, 'cash-2026-01-05'));
  await record.done(`${service}/GetTransfer`, { transfer_id: scene.lunch }, by(JUNHO));
  await record.done(`${service}/GetOutcome`, { idempotency_key: 'lunch-2026-01-05' }, by(MINJI));
  await record.done(`${wallets}/GetWallet`, { wallet_id: scene.dollars }, by(MINJI));
  await record.done(`${wallets}/GetBalance`, wallet, by(MINJI));
  await record.done(`${wallets}/BatchGetBalances`, { wallet_ids: [mine, scene.dollars] }, by(MINJI));
  await record.done(`${wallets}/ListTransactions`, { ...wallet, page_size: 2 }, by(MINJI));
}

/** Sprinkles of wallet.v2: one of three shares, of which one is claimed into an empty wallet, so it is also the balance. */
export async function sprinkles(record: Recorder, scene: Scene): Promise<Json> {
  const service = 'wallet.v2.SprinkleService';
  const room = { room_id: ROOM };
  const request = { ...room, wallet_id: scene.wallets.get(MINJI) ?? '', amount: won(10_000), headcount: 3 };
  const made = await record.done(`${service}/CreateSprinkle`, request, keyed(MINJI, 'sprinkle-summit'));
  const [id, token] = [textIn(made, 'sprinkle', 'sprinkle_id'), textIn(made, 'sprinkle', 'token')];
  const claimed = await record.done(
    `${service}/ClaimSprinkle`,
    { ...room, token },
    keyed(HAEUN, 'claim-summit'),
  );
  record.hideShare(textIn(claimed, 'amount', 'minor_units'));
  await record.done(`${service}/GetSprinkle`, { ...room, sprinkle_id: id }, by(MINJI));
  await record.done(`${service}/ListSprinkles`, { ...room, page_size: 10 }, by(MINJI));
  const only = await record.call(`${service}/CreateSprinkle`, { ...request, headcount: 1 }, keyed(MINJI));
  const nonce = Buffer.from('sixteen bytes, 1').toString('base64');
  await record.call(
    `${service}/ClaimSprinkle`,
    { ...room, token: textIn(only, 'sprinkle', 'token'), nonce },
    keyed(JUNHO),
  );
  const over = { ...room, sprinkle_id: textIn(only, 'sprinkle', 'sprinkle_id') };
  await record.done(`${service}/GetSprinkleProof`, over, by(JUNHO));
  await record.done(`${service}/ListRoomSprinkles`, { ...room, page_size: 10 }, by(HAEUN));
  const mistaken = await record.call(`${service}/CreateSprinkle`, request, keyed(MINJI));
  const ended = { ...room, sprinkle_id: textIn(mistaken, 'sprinkle', 'sprinkle_id') };
  await record.done(`${service}/CancelSprinkle`, ended, keyed(MINJI, 'cancel-summit'));
  return made;
}

/** All of wallet.v1. */
export async function firstVersion(record: Recorder): Promise<void> {
  const wallet = 'wallet.v1.WalletService';
  await record.done(`${wallet}/Charge`, { amount: '300000' }, keyed(JUNHO, 'charge-2026-01'));
  const rent = { to_user_id: String(MINJI), amount: '45000', memo: 'Rent of the skis' };
  await record.done(`${wallet}/Transfer`, rent, keyed(JUNHO, 'skis-2026-01'));
  await record.done(`${wallet}/GetBalance`, {}, by(JUNHO));
  await record.done(`${wallet}/ListTransactions`, { page_size: 2 }, by(JUNHO));
  const service = 'wallet.v1.SprinkleService';
  const request = { amount: '10000', headcount: 3 };
  const made = await record.done(`${service}/CreateSprinkle`, request, inRoom(JUNHO, ROOM, 'sprinkle-tea'));
  const { token = '' } = made;
  const claimed = await record.done(`${service}/ClaimSprinkle`, { token }, inRoom(HAEUN, ROOM, 'claim-tea'));
  record.hideShare(claimed.amount);
  await record.done(`${service}/GetSprinkle`, { token }, { ...by(JUNHO), roomId: ROOM });
  await record.done('wallet.v1.UserService/GetUser', { user_id: String(MINJI) }, by(JUNHO));
  await record.done('wallet.v1.UserService/ListFriends', { user_id: String(JUNHO) }, by(JUNHO));
  await record.done('wallet.v1.RoomService/GetRoom', { room_id: ROOM }, by(JUNHO));
  await record.done('wallet.v1.RoomService/ListMembers', { room_id: ROOM, page_size: 2 }, by(JUNHO));
}

/** A payout that is watched while it is cancelled. No worker runs, so nothing of it is paid before. */
export async function payouts(record: Recorder, scene: Scene, stack: Stack): Promise<string> {
  const service = 'wallet.v2.PayoutService';
  const draft = {
    wallet_id: scene.wallets.get(MINJI) ?? '',
    mode: 'PAYOUT_MODE_EACH',
    memo: 'Prizes',
    reference: 'prizes',
  };
  const made = await record.done(`${service}/CreatePayout`, draft, keyed(MINJI, 'prizes-2026'));
  const payout = { payout_id: textIn(made, 'payout', 'payout_id') };
  const line = (user: number, key: string) => ({
    user_id: String(user),
    amount: won(30_000),
    key,
    memo: 'Prize',
  });
  const lines = [line(JUNHO, 'first'), line(SORA, 'second'), line(NOBODY, 'third')];
  await record.done(`${service}/AddPayoutLines`, { ...payout, first_line: 1, lines }, by(MINJI));
  await record.done(`${service}/ListPayoutFailures`, { ...payout, page_size: 10 }, by(MINJI));
  await record.done(
    `${service}/StartPayout`,
    { ...payout, line_count: 3 },
    keyed(MINJI, 'prizes-2026-start'),
  );
  await record.done(`${service}/GetPayout`, payout, by(MINJI));
  const connection = connect(stack.grpcAddress, stack.key);
  const messages: Json[] = [];
  for await (const message of connection.stream(`${service}/WatchPayout`, payout, by(MINJI))) {
    messages.push(message);
    if (messages.length === 1)
      await record.done(`${service}/CancelPayout`, payout, keyed(MINJI, 'prizes-2026-cancel'));
  }
  connection.close();
  assert.equal(messages.length, 2);
  record.keep(`${service}/WatchPayout`, payout, by(MINJI), messages);
  return payout.payout_id;
}
