// A call that is refused for each reason that its RPC declares.
import { REFUSALS } from '../../accounts/refused-in.ts';
import type { Json } from '../../api-client.ts';
import type { Stack } from '../../stack.ts';
import { FROZEN_EXAMPLE } from './closed-wallets.ts';
import {
  by,
  dollars,
  FULL,
  HAEUN,
  inRoom,
  JUNHO,
  keyed,
  MINJI,
  NO_ID,
  NOBODY,
  RICH,
  ROOM,
  type Scene,
  SORA,
  textIn,
  won,
} from './people.ts';
import type { Recorder } from './recorder.ts';

/** What a user may have of each kind, so that a user who has all is made with few calls. */
export const QUOTAS = {
  MAX_WALLETS_PER_USER: '3',
  MAX_PAYOUT_DRAFTS_PER_USER: '3',
  MAX_ROOMS_PER_USER: '2',
  MAX_MEMBERS_PER_ROOM: '5',
  MAX_FRIENDS_PER_USER: '2',
  MAX_WEBHOOKS_PER_KEY: '2',
};

/** Every declared reason that has no example, and the test that sees it. */
export const SEEN_ELSEWHERE: Readonly<Record<string, string>> = {
  'wallet.v1.SprinkleService/CreateSprinkle ROOM_OUT_OF_TOKENS': 'test/scenarios/expiry.test.ts',
  // The same command as that of wallet.v1; filling a room takes seconds.
  'wallet.v2.SprinkleService/CreateSprinkle ROOM_OUT_OF_TOKENS': 'test/scenarios/expiry.test.ts',
  // Of the account of the outside, which only overdrafts of all wallets together could fill.
  'wallet.v2.TransferService/Withdraw BALANCE_TOO_HIGH': 'test/ledger/ledger.test.ts',
  // Of a transfer that is older than the log, which only a database of before the log has.
  'wallet.v2.ReceiptService/GetReceipt TRANSFER_PREDATES_LOG': 'test/scenarios/receipts.test.ts',
  // Of events that are no longer kept.
  'wallet.v2.EventService/ListEvents CURSOR_EXPIRED': 'test/scenarios/events.test.ts',
  'wallet.v2.EventService/StreamEvents CURSOR_EXPIRED': 'test/scenarios/events.test.ts',
  // Of a database that was restored.
  'wallet.v2.EventService/StreamEvents FEED_RESTARTED': 'test/scenarios/events.test.ts',
  'wallet.v2.WalletService/WatchWallet FEED_RESTARTED': 'test/scenarios/watch-wallet.test.ts',
  ...Object.fromEntries(
    REFUSALS.filter((refusal) => !refusal.startsWith(`${FROZEN_EXAMPLE} `)).map((refusal) => [
      refusal,
      'test/scenarios/money-states.test.ts',
    ]),
  ),
};

type Wanted = readonly [reason: string, rpc: string, request: Json, identity: ReturnType<typeof keyed>];

async function all(record: Recorder, wanted: readonly Wanted[]): Promise<void> {
  for (const [reason, rpc, request, identity] of wanted) await record.refused(reason, rpc, request, identity);
}

const walletOf = (scene: Scene, user: number) => scene.wallets.get(user) ?? '';

/** Of users, friends and rooms. */
export async function ofPeople(record: Recorder): Promise<void> {
  const [users, rooms] = ['wallet.v2.UserService', 'wallet.v2.RoomService'];
  const nobody = { user_id: String(NOBODY) };
  const minji = { user_id: String(MINJI) };
  const friend = (user: number, other: number): Json => ({
    user_id: String(user),
    friend_user_id: String(other),
  });
  const incoming = { direction: 'FRIEND_REQUEST_DIRECTION_INCOMING' };
  for (const user of [MINJI, JUNHO]) await record.call(`${users}/AddFriend`, friend(FULL, user), by(FULL));
  for (const id of ['one', 'two'])
    await record.call(`${rooms}/CreateRoom`, { room_id: `full-${id}`, display_name: 'Full' }, by(FULL));
  const room = { room_id: 'full-one' };
  for (const user of [MINJI, JUNHO, HAEUN, RICH])
    await record.call(`${rooms}/AddMember`, { ...room, user_id: String(user) }, by(FULL));
  const hiking = { room_id: ROOM };
  await all(record, [
    ['USER_EXISTS', `${users}/CreateUser`, { ...minji, display_name: 'Minji Lee' }, {}],
    ['USER_NOT_FOUND', `${users}/GetUser`, nobody, by(MINJI)],
    ['NOT_SELF', `${users}/UpdateUser`, { ...minji, display_name: 'Mine' }, by(JUNHO)],
    ['USER_NOT_FOUND', `${users}/UpdateUser`, { ...nobody, display_name: 'Nobody' }, by(NOBODY)],
    ['NOT_SELF', `${users}/ListFriends`, minji, by(JUNHO)],
    ['USER_NOT_FOUND', `${users}/ListFriends`, nobody, by(NOBODY)],
    ['NOT_SELF', `${users}/AddFriend`, friend(MINJI, SORA), by(JUNHO)],
    ['USER_NOT_FOUND', `${users}/AddFriend`, friend(MINJI, NOBODY), by(MINJI)],
    ['QUOTA_EXCEEDED', `${users}/AddFriend`, friend(FULL, SORA), by(FULL)],
    ['NOT_SELF', `${users}/ListFriendRequests`, { ...minji, ...incoming }, by(JUNHO)],
    ['USER_NOT_FOUND', `${users}/ListFriendRequests`, { ...nobody, ...incoming }, by(NOBODY)],
    ['NOT_SELF', `${users}/RemoveFriend`, friend(MINJI, JUNHO), by(JUNHO)],
    ['USER_NOT_FOUND', `${rooms}/CreateRoom`, { room_id: 'empty', display_name: 'Empty' }, by(NOBODY)],
    ['ROOM_EXISTS', `${rooms}/CreateRoom`, { ...hiking, display_name: 'Hiking' }, by(JUNHO)],
    ['QUOTA_EXCEEDED', `${rooms}/CreateRoom`, { room_id: 'full-three', display_name: 'Full' }, by(FULL)],
    ['ROOM_NOT_FOUND', `${rooms}/GetRoom`, hiking, by(SORA)],
    ['ROOM_NOT_FOUND', `${rooms}/UpdateRoom`, { ...hiking, display_name: 'Ours' }, by(SORA)],
    ['NOT_ROOM_OWNER', `${rooms}/UpdateRoom`, { ...hiking, display_name: 'Ours' }, by(JUNHO)],
    ['ROOM_NOT_FOUND', `${rooms}/ListMembers`, hiking, by(SORA)],
    ['ROOM_NOT_FOUND', `${rooms}/AddMember`, { ...hiking, user_id: String(SORA) }, by(SORA)],
    ['USER_NOT_FOUND', `${rooms}/AddMember`, { ...hiking, ...nobody }, by(MINJI)],
    ['REMOVED_BY_OWNER', `${rooms}/AddMember`, { ...hiking, user_id: String(SORA) }, by(JUNHO)],
    ['QUOTA_EXCEEDED', `${rooms}/AddMember`, { ...room, user_id: String(SORA) }, by(FULL)],
    ['ROOM_NOT_FOUND', `${rooms}/RemoveMember`, { ...hiking, ...minji }, by(SORA)],
    ['NOT_ROOM_OWNER', `${rooms}/RemoveMember`, { ...hiking, user_id: String(HAEUN) }, by(JUNHO)],
    ['USER_NOT_FOUND', 'wallet.v1.UserService/GetUser', nobody, by(MINJI)],
    ['NOT_SELF', 'wallet.v1.UserService/ListFriends', minji, by(JUNHO)],
    ['USER_NOT_FOUND', 'wallet.v1.UserService/ListFriends', nobody, by(NOBODY)],
    ['ROOM_NOT_FOUND', 'wallet.v1.RoomService/GetRoom', hiking, by(SORA)],
    ['ROOM_NOT_FOUND', 'wallet.v1.RoomService/ListMembers', hiking, by(SORA)],
  ]);
}

/** Of wallets and transfers, but for those that need a full account. */
export async function ofTransfers(record: Recorder, scene: Scene): Promise<void> {
  const service = 'wallet.v2.TransferService';
  const [mine, none] = [{ wallet_id: walletOf(scene, MINJI) }, { wallet_id: NO_ID }];
  const pay = (change: Json = {}): Json => {
    const to = 'credit_wallet_id' in change ? {} : { credit_user_id: String(JUNHO) };
    return { debit_wallet_id: mine.wallet_id, ...to, amount: won(1000), ...change };
  };
  const lira = { currency_code: 'TRY', minor_units: '1000' };
  const ofBoth: readonly (readonly [string, Json])[] = [
    ['WALLET_NOT_FOUND', pay({ debit_wallet_id: NO_ID })],
    ['USER_NOT_FOUND', pay({ credit_user_id: String(NOBODY) })],
    ['SELF_TRANSFER', pay({ credit_user_id: String(MINJI) })],
    ['UNKNOWN_CURRENCY', pay({ amount: lira })],
    ['CURRENCY_MISMATCH', pay({ amount: dollars(1000) })],
    ['BALANCE_TOO_LOW', pay({ amount: won(900_000_000) })],
    ['REFERENCE_REUSED', pay({ reference: 'lunch-0105' })],
  ];
  const batch = (items: Json[]): Json => ({ items, mode: 'BATCH_MODE_ALL_OR_NOTHING' });
  await all(record, [
    ...['Deposit', 'Withdraw'].flatMap((name): Wanted[] => [
      ['WALLET_NOT_FOUND', `${service}/${name}`, { ...none, amount: won(1000) }, keyed(MINJI)],
      ['UNKNOWN_CURRENCY', `${service}/${name}`, { ...mine, amount: lira }, keyed(MINJI)],
      ['CURRENCY_MISMATCH', `${service}/${name}`, { ...mine, amount: dollars(1000) }, keyed(MINJI)],
      [
        'REFERENCE_REUSED',
        `${service}/${name}`,
        { ...mine, amount: won(1000), reference: 'lunch-0105' },
        keyed(MINJI),
      ],
    ]),
    ['BALANCE_TOO_LOW', `${service}/Withdraw`, { ...mine, amount: won(900_000_000) }, keyed(MINJI)],
    ...ofBoth.map(
      ([reason, request]): Wanted => [reason, `${service}/CreateTransfer`, request, keyed(MINJI)],
    ),
    ...ofBoth.map(
      ([reason, request]): Wanted => [
        reason,
        `${service}/BatchCreateTransfers`,
        batch([pay(), request]),
        keyed(MINJI),
      ],
    ),
  ]);
}

/** Of wallets, and of the wallet and the transfers of wallet.v1. */
export async function ofWallets(record: Recorder, scene: Scene): Promise<void> {
  const [service, wallets, first] = [
    'wallet.v2.TransferService',
    'wallet.v2.WalletService',
    'wallet.v1.WalletService',
  ];
  const [mine, none] = [{ wallet_id: walletOf(scene, MINJI) }, { wallet_id: NO_ID }];
  for (const name of ['Two', 'Three'])
    await record.call(`${wallets}/CreateWallet`, { currency_code: 'EUR', display_name: name }, keyed(FULL));
  const lunch = { debit_wallet_id: mine.wallet_id, credit_user_id: String(JUNHO), amount: won(12_500) };
  await all(record, [
    ['IDEMPOTENCY_KEY_REQUIRED', `${service}/CreateTransfer`, lunch, by(MINJI)],
    ['IDEMPOTENCY_KEY_REUSED', `${service}/CreateTransfer`, lunch, keyed(MINJI, 'salary-2026-01')],
    ['TRANSFER_NOT_FOUND', `${service}/GetTransfer`, { transfer_id: NO_ID }, by(MINJI)],
    [
      'UNKNOWN_CURRENCY',
      `${wallets}/CreateWallet`,
      { currency_code: 'TRY', display_name: 'Lira' },
      keyed(MINJI),
    ],
    [
      'USER_NOT_FOUND',
      `${wallets}/CreateWallet`,
      { currency_code: 'EUR', display_name: 'Euro' },
      keyed(NOBODY),
    ],
    [
      'QUOTA_EXCEEDED',
      `${wallets}/CreateWallet`,
      { currency_code: 'EUR', display_name: 'Four' },
      keyed(FULL),
    ],
    [
      'REFERENCE_REUSED',
      `${wallets}/CreateWallet`,
      { currency_code: 'USD', display_name: 'Travel', reference: 'travel' },
      keyed(MINJI),
    ],
    ['WALLET_NOT_FOUND', `${wallets}/GetWallet`, none, by(MINJI)],
    ['USER_NOT_FOUND', `${wallets}/ListWallets`, {}, by(NOBODY)],
    ['WALLET_NOT_FOUND', `${wallets}/GetBalance`, none, by(MINJI)],
    ['WALLET_NOT_FOUND', `${wallets}/BatchGetBalances`, { wallet_ids: [mine.wallet_id, NO_ID] }, by(MINJI)],
    ['WALLET_NOT_FOUND', `${wallets}/ListTransactions`, none, by(MINJI)],
    ['WALLET_NOT_FOUND', `${wallets}/ExportStatement`, none, by(MINJI)],
    ['INVALID_PAGE_TOKEN', `${wallets}/ListTransactions`, { ...mine, page_token: 'anything' }, by(MINJI)],
    ['USER_NOT_FOUND', `${first}/GetBalance`, {}, by(NOBODY)],
    ['USER_NOT_FOUND', `${first}/ListTransactions`, {}, by(NOBODY)],
    ['USER_NOT_FOUND', `${first}/Charge`, { amount: '1000' }, keyed(NOBODY)],
    ['USER_NOT_FOUND', `${first}/Transfer`, { to_user_id: String(NOBODY), amount: '1000' }, keyed(MINJI)],
    ['SELF_TRANSFER', `${first}/Transfer`, { to_user_id: String(MINJI), amount: '1000' }, keyed(MINJI)],
    [
      'BALANCE_TOO_LOW',
      `${first}/Transfer`,
      { to_user_id: String(MINJI), amount: '900000000' },
      keyed(JUNHO),
    ],
  ]);
}

/** Of sprinkles, in both versions. `made` is a sprinkle of Minji's, of which Haeun has a share. */
export async function ofSprinkles(record: Recorder, scene: Scene, made: Json, stack: Stack): Promise<void> {
  const service = 'wallet.v2.SprinkleService';
  const room = { room_id: ROOM };
  const drop = (change: Json = {}): Json => ({
    ...{ ...room, wallet_id: walletOf(scene, MINJI), amount: won(20_000), headcount: 2 },
    ...change,
  });
  const tokenOf = async (request: Json) => {
    const { sprinkle } = await record.call(`${service}/CreateSprinkle`, request, keyed(MINJI));
    return String((sprinkle as Json).token);
  };
  const lira = { currency_code: 'TRY', minor_units: '1000' };
  await all(record, [
    ['HEADCOUNT_ABOVE_AMOUNT', `${service}/CreateSprinkle`, drop({ amount: won(1) }), keyed(MINJI)],
    ['ROOM_NOT_FOUND', `${service}/CreateSprinkle`, drop({ room_id: 'nowhere' }), keyed(MINJI)],
    ['WALLET_NOT_FOUND', `${service}/CreateSprinkle`, drop({ wallet_id: NO_ID }), keyed(MINJI)],
    ['UNKNOWN_CURRENCY', `${service}/CreateSprinkle`, drop({ amount: lira }), keyed(MINJI)],
    ['CURRENCY_MISMATCH', `${service}/CreateSprinkle`, drop({ amount: dollars(1000) }), keyed(MINJI)],
    ['BALANCE_TOO_LOW', `${service}/CreateSprinkle`, drop({ amount: won(900_000_000) }), keyed(MINJI)],
    ['SPRINKLE_NOT_FOUND', `${service}/GetSprinkle`, { ...room, sprinkle_id: NO_ID }, by(MINJI)],
  ]);
  const token = textIn(made, 'sprinkle', 'token');
  const inDollars = await tokenOf(drop({ wallet_id: scene.dollars, amount: dollars(1000) }));
  const empty = await tokenOf(drop({ headcount: 1 }));
  await record.call(`${service}/ClaimSprinkle`, { ...room, token: empty }, keyed(HAEUN));
  const expired = await tokenOf(drop());
  await stack.db.query(
    `UPDATE sprinkles SET created_at = created_at - interval '1 hour', expires_at = expires_at - interval '1 hour'
     WHERE token = $1`,
    [expired],
  );
  const claims = (claim: (reason: string, token: string, user: number, more?: Json) => Wanted): Wanted[] => [
    claim('OWN_SPRINKLE', token, MINJI),
    claim('ALREADY_CLAIMED', token, HAEUN),
    claim('SPRINKLE_EMPTY', empty, JUNHO),
    claim('SPRINKLE_EXPIRED', expired, JUNHO),
    claim('USER_NOT_FOUND', token, NOBODY),
    claim('CURRENCY_MISMATCH', inDollars, JUNHO),
  ];
  const second = `${service}/ClaimSprinkle`;
  const first = 'wallet.v1.SprinkleService/ClaimSprinkle';
  await all(record, [
    ...claims((reason, claimed, user) => [reason, second, { ...room, token: claimed }, keyed(user)]),
    // In a room without sprinkles, where no token can be a right one.
    ['SPRINKLE_NOT_FOUND', second, { room_id: 'full-one', token: 'abc' }, keyed(JUNHO)],
    ['WALLET_NOT_FOUND', second, { ...room, token, wallet_id: NO_ID }, keyed(JUNHO)],
    ...claims((reason, claimed, user) => [reason, first, { token: claimed }, inRoom(user)]),
    ['SPRINKLE_NOT_FOUND', first, { token: 'abc' }, inRoom(JUNHO, 'full-one')],
  ]);
  const create = 'wallet.v1.SprinkleService/CreateSprinkle';
  await all(record, [
    ['HEADCOUNT_ABOVE_AMOUNT', create, { amount: '1', headcount: 2 }, inRoom(MINJI)],
    ['ROOM_NOT_FOUND', create, { amount: '20000', headcount: 2 }, inRoom(MINJI, 'nowhere')],
    ['BALANCE_TOO_LOW', create, { amount: '900000000', headcount: 2 }, inRoom(MINJI)],
    [
      'SPRINKLE_NOT_FOUND',
      'wallet.v1.SprinkleService/GetSprinkle',
      { token: 'abc' },
      { ...by(MINJI), roomId: 'full-one' },
    ],
  ]);
}
