// Wallets that their users rename, make the default one, and close, and what operators do to closed ones, over gRPC and REST.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createServerProgram, type ServerProgram } from '../../src/server/compose.ts';
import { actingAs, expectRefusal, uniqueUsers, withKey, won } from '../api.ts';
import { type Answer, type ApiClient, grpcClient, type Json } from '../api-client.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';

const UPDATE = 'wallet.v2.WalletService/UpdateWallet';
const CLOSE = 'wallet.v2.WalletService/CloseWallet';
const CLOSE_FOR = 'admin.v1.AccountService/CloseWallet';
const REOPEN = 'admin.v1.AccountService/ReopenWallet';
const NO_ID = '00000000-0000-4000-8000-000000000000';

let stack: Stack;
let second: ServerProgram;
let other: ApiClient;
before(async () => {
  stack = await startStack({ edge: !withoutEdge });
  second = await createServerProgram(stack.config);
  other = grpcClient(`127.0.0.1:${second.grpcPort}`, stack.key);
});
after(async () => {
  other.close();
  await second.stop();
  await stack.stop();
});

/** A user with money in the default wallet, and another wallet in won. */
async function someone() {
  const [user = 0] = uniqueUsers(1);
  await stack.addUsers([user]);
  await stack.fund([user], 1000);
  const open = async (name: string, currency_code = 'KRW') => {
    const request = { currency_code, display_name: name };
    const answer = await stack.grpc.call('wallet.v2.WalletService/CreateWallet', request, withKey(user));
    return String(answer.at('wallet', 'wallet_id'));
  };
  return { user, wallet: await stack.as(user).defaultWallet(), spare: await open('spare'), open };
}
const move = (user: number, debit_wallet_id: string, credit_wallet_id: string, amount: number) =>
  stack.grpc.call(
    'wallet.v2.TransferService/CreateTransfer',
    { debit_wallet_id, credit_wallet_id, amount: won(amount) },
    withKey(user),
  );
const ok = (answer: Answer): Answer => {
  assert.equal(answer.status, 0, answer.reason);
  return answer;
};

for (const over of ['gRPC', ...(withoutEdge ? [] : ['REST'])]) {
  const call = (user: number, rpc: string, request: Json) =>
    (over === 'gRPC' ? stack.grpc : stack.rest).call(rpc, request, withKey(user));

  test(`a wallet gets another name, and no name that is none, over ${over}`, async () => {
    const { user, spare } = await someone();
    const renamed = ok(await call(user, UPDATE, { wallet_id: spare, display_name: '여행' }));
    assert.deepEqual(
      [renamed.at('wallet', 'display_name'), renamed.at('wallet', 'is_default')],
      ['여행', false],
    );
    const seen = await other.call('wallet.v2.WalletService/GetWallet', { wallet_id: spare }, actingAs(user));
    assert.equal(seen.at('wallet', 'display_name'), '여행');
    const unchanged = ok(await call(user, UPDATE, { wallet_id: spare }));
    assert.equal(unchanged.at('wallet', 'display_name'), '여행');
    expectRefusal(
      await call(user, UPDATE, { wallet_id: spare, display_name: '' }),
      'ERR001',
      'INVALID_FIELD',
      ['display_name'],
    );
    expectRefusal(await call(user, UPDATE, { wallet_id: NO_ID }), 'ERR005', 'WALLET_NOT_FOUND', [
      'wallet_id',
    ]);
  });

  test(`another wallet becomes the default one at once in every server, over ${over}`, async () => {
    const { user, wallet, spare, open } = await someone();
    const [payer = 0] = uniqueUsers(1);
    await stack.addUsers([payer]);
    await stack.fund([payer], 100);
    // Both servers know the old one.
    assert.equal(await stack.as(user).balance(), 1000);
    ok(await other.call('wallet.v1.WalletService/GetBalance', {}, actingAs(user)));
    ok(await call(user, UPDATE, { wallet_id: spare, is_default: true }));
    for (const client of [stack.grpc, other])
      assert.equal(
        (await client.call('wallet.v1.WalletService/GetBalance', {}, actingAs(user))).body.balance,
        '0',
      );
    ok(await other.call('wallet.v1.WalletService/Transfer', { to_user_id: user, amount: 7 }, withKey(payer)));
    assert.equal(await stack.as(user).balance(), 7);
    const listed = async (page_size: number, page_token = ''): Promise<Answer> =>
      stack.grpc.call('wallet.v2.WalletService/ListWallets', { page_size, page_token }, actingAs(user));
    const first = await listed(1);
    const rest = await listed(5, String(first.body.next_page_token));
    assert.deepEqual(
      [...first.list('wallets'), ...rest.list('wallets')].map(({ wallet_id }) => wallet_id),
      [spare, wallet],
    );
    const dollars = await open('dollars', 'USD');
    const refusedOf = async (wallet_id: string, is_default: boolean) =>
      call(user, UPDATE, { wallet_id, is_default });
    expectRefusal(await refusedOf(dollars, true), 'ERR001', 'CURRENCY_MISMATCH', ['is_default']);
    expectRefusal(await refusedOf(spare, false), 'ERR001', 'INVALID_FIELD', ['is_default']);
    assert.equal((await refusedOf(wallet, false)).status, 0, 'it is none already');
  });

  test(`a wallet is closed once it is empty and nothing of it is set aside, over ${over}`, async () => {
    const { user, spare, wallet } = await someone();
    ok(await move(user, wallet, spare, 100));
    const close = () => call(user, CLOSE, { wallet_id: spare });
    expectRefusal(await close(), 'ERR006', 'WALLET_NOT_EMPTY');
    const held = ok(
      await call(user, 'wallet.v2.HoldService/CreateHold', { wallet_id: spare, amount: won(100) }),
    );
    expectRefusal(await close(), 'ERR006', 'WALLET_IN_USE');
    ok(await call(user, 'wallet.v2.HoldService/VoidHold', { hold_id: held.at('hold', 'hold_id') ?? '' }));
    const room = `room-${user}`;
    await stack.addRoom(room, [user]);
    const drop = { room_id: room, wallet_id: spare, amount: won(100), headcount: 1 };
    ok(await call(user, 'wallet.v2.SprinkleService/CreateSprinkle', drop));
    expectRefusal(await close(), 'ERR006', 'WALLET_IN_USE');
    // As a claim of its last share ends it.
    await stack.db.query('UPDATE sprinkles SET closed_at = now() WHERE source_account_id = $1', [spare]);
    const closed = ok(await close());
    assert.equal(closed.at('wallet', 'state'), 'WALLET_STATE_CLOSED');
    expectRefusal(await move(user, wallet, spare, 1), 'ERR006', 'WALLET_CLOSED');
    expectRefusal(await move(user, spare, wallet, 1), 'ERR006', 'WALLET_CLOSED');
    expectRefusal(
      await call(user, UPDATE, { wallet_id: spare, display_name: 'x' }),
      'ERR006',
      'WALLET_CLOSED',
    );
    assert.equal(ok(await close()).at('wallet', 'state'), 'WALLET_STATE_CLOSED', 'it stays closed');
    const [stranger = 0] = uniqueUsers(1);
    expectRefusal(await call(stranger, CLOSE, { wallet_id: wallet }), 'ERR005', 'WALLET_NOT_FOUND', [
      'wallet_id',
    ]);
  });

  test(`the default wallet is closed last, and then nobody can pay its user, over ${over}`, async () => {
    const { user, wallet, spare } = await someone();
    const [payer = 0] = uniqueUsers(1);
    await stack.addUsers([payer]);
    await stack.fund([payer], 100);
    const cash = { wallet_id: wallet, amount: won(1000) };
    ok(await call(user, 'wallet.v2.TransferService/Withdraw', cash));
    expectRefusal(await call(user, CLOSE, { wallet_id: wallet }), 'ERR006', 'WALLET_IS_DEFAULT', [
      'wallet_id',
    ]);
    ok(await call(user, CLOSE, { wallet_id: spare }));
    ok(await call(user, CLOSE, { wallet_id: wallet }));
    expectRefusal(await stack.as(payer).pay(user, 1), 'ERR006', 'RECEIVER_UNAVAILABLE');
  });
}

test('operators close a frozen wallet, which its user cannot, and open it again, frozen as it was', async () => {
  const { user, spare } = await someone();
  const why = { reason: 'the user asked', case_id: 'C-1' };
  const admin = async (rpc: string, request: Json) => ok(await stack.grpc.call(rpc, request));
  const stateIn = ({ body }: Answer) => ((body.status as Json).wallets as Json[])[0]?.state;
  await admin('admin.v1.AccountService/Freeze', {
    ...why,
    wallet_id: spare,
    direction: 'FREEZE_DIRECTION_OUT',
  });
  const own = await stack.grpc.call(CLOSE, { wallet_id: spare }, withKey(user));
  expectRefusal(own, 'ERR006', 'WALLET_FROZEN');
  const target = { wallet_id: spare, reason: 'the user asked' };
  assert.equal(stateIn(await admin(CLOSE_FOR, target)), 'WALLET_STATE_CLOSED');
  assert.equal(stateIn(await admin(CLOSE_FOR, target)), 'WALLET_STATE_CLOSED', 'it stays closed');
  for (const client of [stack.grpc, other]) {
    const seen = await client.call('wallet.v2.WalletService/GetWallet', { wallet_id: spare }, actingAs(user));
    assert.equal(seen.at('wallet', 'state'), 'WALLET_STATE_CLOSED');
  }
  assert.equal(stateIn(await admin(REOPEN, target)), 'WALLET_STATE_FROZEN_OUT');
  const seen = await other.call('wallet.v2.WalletService/GetWallet', { wallet_id: spare }, actingAs(user));
  assert.equal(seen.at('wallet', 'state'), 'WALLET_STATE_FROZEN_OUT');
  assert.equal(stateIn(await admin(REOPEN, target)), 'WALLET_STATE_FROZEN_OUT', 'it stays open');
  const acts = await stack.grpc.call('admin.v1.AuditService/ListActs', { target: spare, rpc: CLOSE_FOR });
  assert.deepEqual(
    acts.list('acts').map(({ outcome, reason }) => [outcome, reason]),
    [
      ['ACT_OUTCOME_DONE', 'the user asked'],
      ['ACT_OUTCOME_ATTEMPTED', 'the user asked'],
      ['ACT_OUTCOME_DONE', 'the user asked'],
      ['ACT_OUTCOME_ATTEMPTED', 'the user asked'],
    ],
  );
  for (const rpc of [CLOSE_FOR, REOPEN]) {
    const none = await stack.grpc.call(rpc, { ...target, wallet_id: NO_ID });
    expectRefusal(none, 'ERR005', 'WALLET_NOT_FOUND', ['wallet_id']);
  }
});
