// Bad input, over gRPC and over REST: each is refused with a reason that names the field, and nothing is written.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { actingAs } from '../api.ts';
import type { ApiClient, Identity, Json } from '../api-client.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';

const ANNA = 8001;
const BO = 8002;
const ROOM = 'room-8000';
const NO_ID = '00000000-0000-4000-8000-000000000000';
let stack: Stack;
let wallet: string;
let boWallet: string;
let written: string;

before(async () => {
  stack = await startStack({ edge: !withoutEdge });
  await stack.addUsers([ANNA, BO]);
  await stack.addRoom(ROOM, [ANNA, BO]);
  await stack.fund([ANNA], 10_000);
  wallet = await walletOf(ANNA);
  boWallet = await walletOf(BO);
  written = await everything();
});
after(() => stack.stop());

async function walletOf(user: number): Promise<string> {
  const answer = await stack.grpc.call('wallet.v2.WalletService/ListWallets', {}, actingAs(user));
  return String(answer.list('wallets')[0]?.wallet_id);
}

/** A digest of all that a refused call could have written. */
async function everything(): Promise<string> {
  const { rows } = await stack.db.query(`SELECT concat_ws('/', (SELECT count(*) FROM transfers),
    (SELECT count(outcome) FROM idempotency_keys), (SELECT count(*) FROM sprinkles), (SELECT count(*) FROM accounts),
    (SELECT sum(version) FROM accounts)) AS digest`);
  return rows[0].digest;
}

const me = (more: Partial<Identity> = {}): Identity => ({
  userId: String(ANNA),
  idempotencyKey: crypto.randomUUID(),
  ...more,
});
const won = (minor_units: Json[string]): Json => ({ currency_code: 'KRW', minor_units });

interface Case {
  readonly name: string;
  readonly rpc: string;
  readonly request: () => Json;
  readonly identity?: () => Identity;
  readonly reason: string;
  readonly field: string;
}

const charge = 'wallet.v1.WalletService/Charge';
const pay = 'wallet.v1.WalletService/Transfer';
const sprinkle = 'wallet.v1.SprinkleService/CreateSprinkle';
const claim = 'wallet.v1.SprinkleService/ClaimSprinkle';
const move = 'wallet.v2.TransferService/CreateTransfer';
const inRoom = (roomId: string) => () => me({ roomId });

function row(
  rpc: string,
  reason: string,
  field: string,
  request: () => Json,
  identity?: () => Identity,
): Case {
  return {
    name: `${rpc.split('/')[1]}: ${reason} ${field}`,
    rpc,
    reason,
    field,
    request,
    ...(identity && { identity }),
  };
}

const CASES: readonly Case[] = [
  ...['0', '-1', '9007199254740992', '9223372036854775807'].flatMap((amount) => [
    row(charge, 'INVALID_FIELD', 'amount', () => ({ amount })),
    row(pay, 'INVALID_FIELD', 'amount', () => ({ to_user_id: String(BO), amount })),
    row(sprinkle, 'INVALID_FIELD', 'amount', () => ({ amount, headcount: 1 }), inRoom(ROOM)),
    row(move, 'INVALID_FIELD', 'amount', () => ({
      debit_wallet_id: wallet,
      credit_wallet_id: boWallet,
      amount: won(amount),
    })),
  ]),
  row(charge, 'INVALID_FIELD', 'amount', () => ({})),
  row(pay, 'INVALID_FIELD', 'to_user_id', () => ({ amount: '1' })),
  row(pay, 'USER_NOT_FOUND', 'to_user_id', () => ({ to_user_id: '999999', amount: '1' })),
  row(pay, 'SELF_TRANSFER', 'to_user_id', () => ({ to_user_id: String(ANNA), amount: '1' })),
  row(pay, 'INVALID_FIELD', 'memo', () => ({ to_user_id: String(BO), amount: '1', memo: 'a\u0000b' })),
  row(pay, 'INVALID_FIELD', 'memo', () => ({ to_user_id: String(BO), amount: '1', memo: 'x'.repeat(201) })),
  row(pay, 'INVALID_FIELD', 'memo', () => ({ to_user_id: String(BO), amount: '1', memo: 'a\u202eb' })),
  ...['\u200b', 'An\u200dna', '\u3164'].map((display_name) =>
    row('wallet.v2.WalletService/CreateWallet', 'INVALID_FIELD', 'display_name', () => ({
      currency_code: 'KRW',
      display_name,
    })),
  ),
  row(
    charge,
    'USER_NOT_FOUND',
    'x-user-id',
    () => ({ amount: '1' }),
    () => me({ userId: '999999' }),
  ),
  row(
    charge,
    'INVALID_HEADER',
    'x-user-id',
    () => ({ amount: '1' }),
    () => me({ userId: undefined }),
  ),
  row(
    charge,
    'INVALID_HEADER',
    'x-user-id',
    () => ({ amount: '1' }),
    () => me({ userId: '1 OR 1=1' }),
  ),
  row(
    charge,
    'INVALID_HEADER',
    'x-user-id',
    () => ({ amount: '1' }),
    () => me({ userId: '9223372036854775808' }),
  ),
  row(
    charge,
    'IDEMPOTENCY_KEY_REQUIRED',
    'idempotency-key',
    () => ({ amount: '1' }),
    () => me({ idempotencyKey: undefined }),
  ),
  row(
    charge,
    'INVALID_HEADER',
    'idempotency-key',
    () => ({ amount: '1' }),
    () => me({ idempotencyKey: 'k'.repeat(129) }),
  ),
  row(sprinkle, 'HEADCOUNT_ABOVE_AMOUNT', 'headcount', () => ({ amount: '3', headcount: 4 }), inRoom(ROOM)),
  row(sprinkle, 'INVALID_FIELD', 'headcount', () => ({ amount: '100000', headcount: 10_001 }), inRoom(ROOM)),
  row(sprinkle, 'INVALID_FIELD', 'headcount', () => ({ amount: '100000', headcount: 0 }), inRoom(ROOM)),
  row(sprinkle, 'ROOM_NOT_FOUND', 'x-room-id', () => ({ amount: '3', headcount: 1 }), inRoom('nowhere')),
  row(sprinkle, 'INVALID_HEADER', 'x-room-id', () => ({ amount: '3', headcount: 1 }), inRoom('a b')),
  row(claim, 'INVALID_FIELD', 'token', () => ({ token: 'ab!' }), inRoom(ROOM)),
  row(claim, 'INVALID_FIELD', 'token', () => ({ token: 'abcd' }), inRoom(ROOM)),
  row(claim, 'SPRINKLE_NOT_FOUND', 'token', () => ({ token: 'abc' }), inRoom(ROOM)),
  row(move, 'WALLET_NOT_FOUND', 'debit_wallet_id', () => ({
    debit_wallet_id: NO_ID,
    credit_wallet_id: boWallet,
    amount: won('1'),
  })),
  row(move, 'WALLET_NOT_FOUND', 'debit_wallet_id', () => ({
    debit_wallet_id: boWallet,
    credit_wallet_id: wallet,
    amount: won('1'),
  })),
  row(move, 'WALLET_NOT_FOUND', 'credit_wallet_id', () => ({
    debit_wallet_id: wallet,
    credit_wallet_id: NO_ID,
    amount: won('1'),
  })),
  row(move, 'SELF_TRANSFER', 'credit_wallet_id', () => ({
    debit_wallet_id: wallet,
    credit_wallet_id: wallet,
    amount: won('1'),
  })),
  row(move, 'INVALID_FIELD', 'destination', () => ({ debit_wallet_id: wallet, amount: won('1') })),
  row(move, 'INVALID_FIELD', 'amount', () => ({ debit_wallet_id: wallet, credit_wallet_id: boWallet })),
  row(move, 'INVALID_FIELD', 'debit_wallet_id', () => ({
    debit_wallet_id: 'mine',
    credit_wallet_id: boWallet,
    amount: won('1'),
  })),
  row(move, 'UNKNOWN_CURRENCY', 'amount.currency_code', () => ({
    debit_wallet_id: wallet,
    credit_wallet_id: boWallet,
    amount: { currency_code: 'ABC', minor_units: '1' },
  })),
  row(move, 'CURRENCY_MISMATCH', 'amount.currency_code', () => ({
    debit_wallet_id: wallet,
    credit_wallet_id: boWallet,
    amount: { currency_code: 'USD', minor_units: '1' },
  })),
  row(move, 'INVALID_FIELD', 'amount.currency_code', () => ({
    debit_wallet_id: wallet,
    credit_wallet_id: boWallet,
    amount: { currency_code: 'krw', minor_units: '1' },
  })),
  row('wallet.v2.WalletService/CreateWallet', 'UNKNOWN_CURRENCY', 'currency_code', () => ({
    currency_code: 'BTC',
    display_name: 'x',
  })),
  row('wallet.v1.WalletService/ListTransactions', 'INVALID_FIELD', 'page_size', () => ({ page_size: 101 })),
  ...['garbage', 'WzFd', 'WzEsIngiLCJ5IiwieiJd', 'eyJhIjoxfQ'].map((page_token) =>
    row('wallet.v1.WalletService/ListTransactions', 'INVALID_PAGE_TOKEN', 'page_token', () => ({
      page_token,
    })),
  ),
];

const ways: readonly { over: string; client: () => ApiClient; skip: string | false }[] = [
  { over: 'gRPC', client: () => stack.grpc, skip: false },
  { over: 'REST', client: () => stack.rest, skip: withoutEdge },
];

for (const { over, client, skip } of ways) {
  test(`over ${over}: refused, the field named, nothing written`, { skip }, async (t) => {
    for (const { name, rpc, request, identity, reason, field } of CASES) {
      await t.test(name, async () => {
        const answer = await client().call(rpc, request(), (identity ?? me)());
        assert.deepEqual([answer.reason, answer.fields], [reason, [field]]);
        assert.match(answer.code, reason.endsWith('_NOT_FOUND') ? /^ERR005$/ : /^ERR001$/);
      });
    }
    assert.equal(await everything(), written);
  });
}

test('SQL and script in text are data', async () => {
  const memo = `'; DROP TABLE transfers; --<script>alert(1)</script>{"}\\`;
  const sent = await stack.grpc.call(pay, { to_user_id: String(BO), amount: '1', memo }, me());
  assert.equal(sent.status, 0);
  const list = await stack.grpc.call(
    'wallet.v1.WalletService/ListTransactions',
    { page_size: 1 },
    actingAs(BO),
  );
  assert.equal(list.list('transactions')[0]?.memo, memo);
});
