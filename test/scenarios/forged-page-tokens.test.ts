// A page token guards nothing and anybody can make one up: whatever it carries is refused by name, on every list.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { RPCS } from '../../clients/typescript/src/contracts.ts';
import { CONTRACTS } from '../../src/grpc/contracts.ts';
import { withKey } from '../api.ts';
import type { Json } from '../api-client.ts';
import { type Stack, startStack } from '../stack.ts';

const [ANNA, BO] = [9721, 9722];
const ROOM = 'room-9720';
let stack: Stack;
let wallet: string;
let payout: string;
let transfer: string;
let webhook: string;

before(async () => {
  stack = await startStack();
  await stack.addUsers([ANNA, BO]);
  await stack.addRoom(ROOM, [ANNA]);
  const { rows } = await stack.db.query('SELECT id FROM accounts WHERE owner_user_id = $1', [ANNA]);
  wallet = rows[0].id;
  const identity = withKey(ANNA);
  const request = { wallet_id: wallet, mode: 'PAYOUT_MODE_EACH' };
  const made = await stack.grpc.call('wallet.v2.PayoutService/CreatePayout', request, identity);
  payout = String(made.at('payout', 'payout_id'));
  await stack.fund([ANNA], 1);
  const paid = await stack.grpc.call(
    'wallet.v2.TransferService/CreateTransfer',
    { debit_wallet_id: wallet, credit_user_id: BO, amount: { currency_code: 'KRW', minor_units: 1 } },
    withKey(ANNA),
  );
  transfer = String(paid.at('transfer', 'transfer_id'));
  const hooked = await stack.grpc.call('wallet.v2.WebhookService/CreateWebhook', {
    url: 'https://example.com/',
  });
  webhook = String(hooked.at('webhook', 'webhook_id'));
});
after(() => stack.stop());

type Part = string | number | null | readonly string[];

/** As src/grpc/page-token.ts writes one: there is no secret in it. */
function forge(list: readonly unknown[], place: readonly Part[], version: Part = 1): string {
  const seal = hash('sha256', JSON.stringify([...list, ...place]), 'base64url').slice(0, 16);
  return Buffer.from(JSON.stringify([version, seal, ...place])).toString('base64url');
}

interface List {
  readonly rpc: string;
  readonly request: () => Json;
  /** As the handler names it. */
  readonly name: () => readonly unknown[];
  readonly isByMoment: boolean;
}

const user = String(ANNA);
const LISTS: readonly List[] = [
  {
    rpc: 'wallet.v1.WalletService/ListTransactions',
    request: () => ({}),
    name: () => ['v1.transactions', user],
    isByMoment: true,
  },
  {
    rpc: 'wallet.v1.UserService/ListFriends',
    request: () => ({ user_id: user }),
    name: () => ['v1.friends', user],
    isByMoment: false,
  },
  {
    rpc: 'wallet.v1.RoomService/ListMembers',
    request: () => ({ room_id: ROOM }),
    name: () => ['v1.members', ROOM],
    isByMoment: false,
  },
  {
    rpc: 'wallet.v2.WalletService/ListWallets',
    request: () => ({}),
    name: () => ['v2.wallets', user],
    isByMoment: true,
  },
  {
    rpc: 'wallet.v2.WalletService/ListTransactions',
    request: () => ({ wallet_id: wallet }),
    // A null for each filter.
    name: () => ['v2.transactions', user, wallet, ...Array.from({ length: 9 }, () => null)],
    isByMoment: true,
  },
  {
    rpc: 'wallet.v2.SprinkleService/ListSprinkles',
    request: () => ({ room_id: ROOM }),
    name: () => ['v2.sprinkles', user, ROOM],
    isByMoment: true,
  },
  {
    rpc: 'wallet.v2.SprinkleService/ListRoomSprinkles',
    request: () => ({ room_id: ROOM }),
    name: () => ['v2.room-sprinkles', user, ROOM],
    isByMoment: true,
  },
  {
    rpc: 'wallet.v2.UserService/ListFriends',
    request: () => ({ user_id: user }),
    name: () => ['v2.friends', user],
    isByMoment: false,
  },
  {
    rpc: 'wallet.v2.UserService/ListFriendRequests',
    request: () => ({ user_id: user, direction: 'FRIEND_REQUEST_DIRECTION_INCOMING' }),
    name: () => ['v2.friend-requests', user, 'incoming'],
    isByMoment: false,
  },
  {
    rpc: 'wallet.v2.RoomService/ListMembers',
    request: () => ({ room_id: ROOM }),
    name: () => ['v2.members', ROOM],
    isByMoment: false,
  },
  {
    rpc: 'wallet.v2.PayoutService/ListPayoutFailures',
    request: () => ({ payout_id: payout }),
    name: () => ['v2.payout-failures', user, payout],
    isByMoment: false,
  },
  {
    rpc: 'wallet.v2.HoldService/ListHolds',
    request: () => ({ wallet_id: wallet }),
    name: () => ['v2.holds', user, wallet, []],
    isByMoment: true,
  },
  {
    rpc: 'wallet.v2.GiftService/ListGifts',
    request: () => ({}),
    name: () => ['v2.gifts', user, 'both', []],
    isByMoment: true,
  },
  {
    rpc: 'wallet.v2.WebhookService/ListDeliveries',
    request: () => ({ webhook_id: webhook }),
    name: () => ['v2.deliveries', webhook, 0],
    isByMoment: true,
  },
  {
    rpc: 'wallet.v2.TransferService/ListRefunds',
    request: () => ({ transfer_id: transfer }),
    name: () => ['v2.refunds', user, transfer],
    isByMoment: true,
  },
  {
    rpc: 'admin.v1.AuditService/ListActs',
    request: () => ({}),
    name: () => ['acts', '', '', '', '', null, null],
    isByMoment: false,
  },
  {
    rpc: 'admin.v1.RecoveryService/ListBackups',
    request: () => ({}),
    name: () => ['backups'],
    isByMoment: true,
  },
  {
    rpc: 'admin.v1.RecoveryService/ListDrills',
    request: () => ({}),
    name: () => ['drills'],
    isByMoment: true,
  },
];

const ID = '3f1c9c52-6d5e-4d0b-9a3e-0c6d2f5a7b11';
const NUMBERS = [
  ...[
    '-1',
    '-0',
    '1e3',
    '1e300',
    '0x10',
    '',
    ' 1',
    '1 ',
    '1.5',
    'NaN',
    'Infinity',
    '007',
    '9007199254740991',
    '9007199254740993',
  ],
  ...[
    '8640000000000000000',
    '8640000000000001',
    '253402300800000000',
    '9223372036854775807',
    '9223372036854775808',
    '99999999999999999999',
  ],
  ...['1', '2147483648', '100001', '7258118400000001', '\u0661', '1\u0000'],
];
const IDS = [
  ID,
  ID.toUpperCase(),
  '',
  'x',
  `${ID}0`,
  `{${ID}}`,
  ID.replaceAll('-', ''),
  '\u0000',
  "' OR 1=1",
];

test('every list that goes on by page is here', () => {
  const paged = [...RPCS].filter(([, { input }]) => input.fields.some(({ name }) => name === 'page_token'));
  assert.deepEqual(paged.map(([name]) => name).sort(), LISTS.map(({ rpc }) => rpc).sort());
  assert.ok(LISTS.every(({ rpc }) => CONTRACTS.has(`/${rpc}`)));
});

for (const { rpc, request, name, isByMoment } of LISTS) {
  test(`${rpc}: a forged token goes on somewhere, or is refused as no token of the list`, async () => {
    const list = name();
    const places: Part[][] = isByMoment
      ? [
          ...NUMBERS.map((number) => [number, ID]),
          ...IDS.map((id) => ['1', id]),
          ['1'],
          ['1', ID, 'x'],
          [1, ID],
          ['1', null],
        ]
      : [...NUMBERS.map((number) => [number]), ['1', '2'], [], [1], [null], [['1']]];
    const tokens = [
      ...places.map((place) => forge(list, place)),
      forge(list, isByMoment ? ['1', ID] : ['1'], 2),
    ];
    const answers = await Promise.all(
      tokens.map((page_token) => stack.grpc.call(rpc, { ...request(), page_token }, { userId: user })),
    );
    const reasons = answers.map(({ reason, fields }) => `${reason} ${fields.join()}`);
    const other = reasons.filter((reason) => reason !== ' ' && reason !== 'INVALID_PAGE_TOKEN page_token');
    assert.deepEqual(other, []);
    assert.ok(reasons.includes(' '), 'the right form of a token is not known here any more');
    const oversized = await stack.grpc.call(
      rpc,
      { ...request(), page_token: 'x'.repeat(257) },
      { userId: user },
    );
    assert.deepEqual([oversized.reason, oversized.fields], ['INVALID_FIELD', ['page_token']]);
  });
}
