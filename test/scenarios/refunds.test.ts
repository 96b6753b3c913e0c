// Refunds over gRPC and REST: of each kind of money that one user gets from another, in parts, and never more than came.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { actingAs, expectRefusal, withKey, won } from '../api.ts';
import type { Answer, ApiClient, Json } from '../api-client.ts';
import { startWorkerProcess, type WorkerProcess, workerEnv } from '../processes.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';

const REFUND = 'wallet.v2.TransferService/RefundTransfer';
const LIST = 'wallet.v2.TransferService/ListRefunds';
const GET = 'wallet.v2.TransferService/GetTransfer';
const NO_ID = '00000000-0000-7000-8000-000000000000';

let stack: Stack;
let redis: OwnRedis;
let worker: WorkerProcess;
before(async () => {
  stack = await startStack({ edge: !withoutEdge });
  if (withoutRedis) return;
  redis = await startOwnRedis();
  worker = await startWorkerProcess(workerEnv(stack.database, redis.url));
});
after(async () => {
  if (!withoutRedis) {
    await worker.stop();
    await redis.stop();
  }
  await stack.stop();
});

const transferOf = (answer: Answer) => answer.body.transfer as Json;

const ways: readonly { over: string; first: number; client: () => ApiClient }[] = [
  { over: 'gRPC', first: 5800, client: () => stack.grpc },
  ...(withoutEdge ? [] : [{ over: 'REST', first: 5900, client: () => stack.rest }]),
];

for (const { over, first, client } of ways) {
  const [anna, bo, cho] = [first + 1, first + 2, first + 3];
  const call = (user: number, rpc: string, request: Json) => client().call(rpc, request, withKey(user));
  const refund = (user: number, transfer_id: string, more: Json = {}) =>
    call(user, REFUND, { transfer_id, ...more });
  const get = async (user: number, transfer_id: string) =>
    transferOf(await client().call(GET, { transfer_id }, actingAs(user)));
  /** The newest transaction of a user's default wallet. */
  const newestOf = async (user: number) => {
    const request = { wallet_id: await stack.as(user).defaultWallet() };
    const page = await client().call('wallet.v2.WalletService/ListTransactions', request, actingAs(user));
    return (page.list('transactions')[0] as Json).transfer as Json;
  };
  let isReady = false;
  // A hook of the file cannot be awaited by another one, so the first test of a way makes its people.
  beforeEach(async () => {
    if (isReady) return;
    isReady = true;
    await stack.addUsers([anna, bo, cho]);
    await stack.fund([anna], 10_000);
  });

  test(`a transfer is refunded in parts, and not beyond, over ${over}`, async () => {
    await stack.as(anna).pay(bo, 1000);
    const paid = String((await newestOf(bo)).transfer_id);
    const part = await refund(bo, paid.toUpperCase(), { amount: won(400), reason: 'One was broken' });
    assert.equal(part.status, 0, part.reason);
    const transfer = transferOf(part);
    assert.deepEqual(
      [transfer.kind, transfer.debit_user_id, transfer.credit_user_id, transfer.memo],
      ['TRANSFER_KIND_REFUND', String(bo), String(anna), 'One was broken'],
    );
    assert.equal(transfer.refunds_transfer_id, paid);
    assert.deepEqual(part.body.balance, won(600));
    for (const user of [anna, bo]) assert.deepEqual((await get(user, paid)).refunded_amount, won(400));
    expectRefusal(await refund(bo, paid, { amount: won(601) }), 'ERR006', 'REFUND_EXCEEDS_TRANSFER');
    const rest = await refund(bo, paid);
    assert.deepEqual(transferOf(rest).amount, won(600));
    assert.deepEqual((await get(anna, paid)).refunded_amount, won(1000));
    for (const amount of [undefined, won(1)])
      expectRefusal(await refund(bo, paid, amount && { amount }), 'ERR006', 'REFUND_EXCEEDS_TRANSFER');
    assert.deepEqual([await stack.as(anna).balance(), await stack.as(bo).balance()], [10_000, 0]);
    assert.equal((await newestOf(anna)).refunds_transfer_id, paid);
  });

  test(`the refunds of a transfer are listed for both sides, page by page, over ${over}`, async () => {
    await stack.as(anna).pay(bo, 1000);
    const paid = String((await newestOf(bo)).transfer_id);
    for (const amount of [won(400), won(600)]) assert.equal((await refund(bo, paid, { amount })).status, 0);
    const list = (user: number, more: Json = {}) =>
      client().call(LIST, { transfer_id: paid, ...more }, actingAs(user));
    const all = await list(anna);
    assert.deepEqual(
      all.list('refunds').map(({ amount, refunds_transfer_id }) => [amount, refunds_transfer_id]),
      [
        [won(600), paid],
        [won(400), paid],
      ],
    );
    const newest = await list(bo, { page_size: 1 });
    const page_token = String(newest.body.next_page_token);
    assert.notEqual(page_token, '');
    const oldest = await list(bo, { page_size: 1, page_token });
    assert.deepEqual(
      [...newest.list('refunds'), ...oldest.list('refunds')].map(({ amount }) => amount),
      [won(600), won(400)],
    );
    assert.equal(oldest.body.next_page_token, '');
    expectRefusal(await list(cho), 'ERR005', 'TRANSFER_NOT_FOUND', ['transfer_id']);
  });

  test(`what cannot be refunded is refused, over ${over}`, async () => {
    await stack.as(anna).pay(bo, 500);
    const transfer_id = String((await newestOf(bo)).transfer_id);
    const deposit = String((await newestOf(anna)).transfer_id);
    const refused = async (user: number, id: string, reason: string, code = 'ERR006', more: Json = {}) =>
      expectRefusal(await refund(user, id, more), code, reason, 'any');
    await refused(anna, transfer_id, 'TRANSFER_NOT_REFUNDABLE');
    await refused(cho, transfer_id, 'TRANSFER_NOT_FOUND', 'ERR005');
    await refused(bo, NO_ID, 'TRANSFER_NOT_FOUND', 'ERR005');
    await refused(anna, deposit, 'TRANSFER_NOT_REFUNDABLE');
    const dollars = { amount: { currency_code: 'USD', minor_units: '1' } };
    await refused(bo, transfer_id, 'CURRENCY_MISMATCH', 'ERR001', dollars);
    await refused(bo, transfer_id, 'INVALID_FIELD', 'ERR001', { amount: won(0) });
    await refused(bo, transfer_id, 'INVALID_FIELD', 'ERR001', { reason: 'a\u0000b' });
    const given = await refund(bo, transfer_id, { amount: won(100) });
    await refused(anna, String(transferOf(given).transfer_id), 'TRANSFER_NOT_REFUNDABLE');
    await stack.as(bo).pay(cho, 400);
    await refused(bo, transfer_id, 'BALANCE_TOO_LOW');
  });

  test(`money that came by way of a pot goes back to who filled it, over ${over}`, {
    skip: withoutRedis,
  }, async () => {
    const wallet_id = await stack.as(anna).defaultWallet();
    const before = await stack.as(anna).balance();
    const room = `refunds-${first}`;
    await stack.addRoom(room, [anna, cho]);
    const make = { room_id: room, wallet_id, amount: won(300), headcount: 1 };
    const made = await call(anna, 'wallet.v2.SprinkleService/CreateSprinkle', make);
    assert.equal(made.status, 0, made.reason);
    const claim = {
      room_id: room,
      token: String(made.at('sprinkle', 'token')),
      wallet_id: await stack.as(cho).defaultWallet(),
    };
    const claimed = await call(cho, 'wallet.v2.SprinkleService/ClaimSprinkle', claim);
    assert.equal(claimed.status, 0, claimed.reason);
    const share = String((await newestOf(cho)).transfer_id);
    const hold = { wallet_id, amount: won(200), credit_user_id: String(cho) };
    const held = await call(anna, 'wallet.v2.HoldService/CreateHold', hold);
    const hold_id = String((held.body.hold as Json).hold_id);
    await call(cho, 'wallet.v2.HoldService/CaptureHold', { hold_id });
    const captured = String((await newestOf(cho)).transfer_id);
    const draft = await call(anna, 'wallet.v2.PayoutService/CreatePayout', {
      wallet_id,
      mode: 'PAYOUT_MODE_EACH',
    });
    const payout_id = String((draft.body.payout as Json).payout_id);
    const lines = [{ user_id: String(cho), amount: won(100) }];
    const add = { payout_id, first_line: 1, lines };
    await client().call('wallet.v2.PayoutService/AddPayoutLines', add, actingAs(anna));
    await call(anna, 'wallet.v2.PayoutService/StartPayout', { payout_id, line_count: 1 });
    await client().call('wallet.v2.PayoutService/WatchPayout', { payout_id }, actingAs(anna));
    const line = String((await newestOf(cho)).transfer_id);
    assert.equal(await stack.as(anna).balance(), before - 600);
    for (const id of [share, captured, line]) {
      const back = await refund(cho, id);
      assert.equal(back.status, 0, back.reason);
      assert.deepEqual(
        [transferOf(back).credit_wallet_id, transferOf(back).refunds_transfer_id],
        [wallet_id, id],
      );
    }
    assert.equal(await stack.as(anna).balance(), before);
  });
}

test('the same key gets the same refund', async () => {
  const [dora, eve] = [5991, 5992];
  await stack.addUsers([dora, eve]);
  await stack.fund([dora], 1000);
  const { rows } = await stack.db.query('SELECT id FROM accounts WHERE owner_user_id = $1', [dora]);
  const payment = { debit_wallet_id: rows[0].id, credit_user_id: String(eve), amount: won(1000) };
  const made = await stack.grpc.call('wallet.v2.TransferService/CreateTransfer', payment, withKey(dora));
  const request = { transfer_id: String(transferOf(made).transfer_id), amount: won(10) };
  const identity = withKey(eve);
  const refunded = await stack.grpc.call(REFUND, request, identity);
  assert.equal(refunded.status, 0, refunded.reason);
  assert.deepEqual((await stack.grpc.call(REFUND, request, identity)).body, refunded.body);
  const outcome = await stack.as(eve).call('wallet.v2.TransferService/GetOutcome', {
    idempotency_key: String(identity.idempotencyKey),
  });
  const { '@type': _type, ...answer } = outcome.body.answer as Json;
  assert.deepEqual(answer, refunded.body);
});
