// Bugs with holds and refunds that users of other ledgers reported, each under its name (and, where there is a public one, with
// its issue on GitHub): here it does not happen. Races of many
// calls, with seeds and negative controls, are in test/race/holds.test.ts and test/race/refunds.test.ts.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { expectRefusal, uniqueUsers, withKey, won } from '../api.ts';
import type { Answer, Json } from '../api-client.ts';
import { type Stack, startStack } from '../stack.ts';

let stack: Stack;
before(async () => {
  stack = await startStack();
});
after(() => stack.stop());

/** A payer with money and a receiver, whom no other test has. */
async function twoPeople(amount = 1000) {
  const [payer = 0, payee = 0] = uniqueUsers(2);
  await stack.addUsers([payer, payee]);
  await stack.fund([payer], amount);
  const wallet_id = await stack.as(payer).defaultWallet();
  const call = (user: number, rpc: string, request: Json) =>
    stack.as(user).call(`wallet.v2.${rpc}`, request, withKey(user));
  const hold = (held: number, change: Json = {}) =>
    call(payer, 'HoldService/CreateHold', {
      ...{ wallet_id, amount: won(held), credit_user_id: String(payee) },
      ...change,
    });
  const capture = (hold_id: string, change: Json = {}) =>
    call(payee, 'HoldService/CaptureHold', { hold_id, ...change });
  const voidHold = (hold_id: string, by = payer) => call(by, 'HoldService/VoidHold', { hold_id });
  const refund = (transfer_id: string, change: Json = {}) =>
    call(payee, 'TransferService/RefundTransfer', { transfer_id, ...change });
  /** What the payer has and holds, and what the payee has. */
  const money = async () => {
    const wallet = (await stack.as(payer).call('wallet.v2.WalletService/GetWallet', { wallet_id })).body
      .wallet as Json;
    const units = (value: unknown) => Number((value as Json).minor_units);
    return [units(wallet.balance), units(wallet.held_amount), await stack.as(payee).balance()];
  };
  const stateOf = async (hold_id: string) =>
    (await stack.as(payer).call('wallet.v2.HoldService/GetHold', { hold_id })).at('hold', 'state');
  return { payer, payee, wallet_id, call, hold, capture, voidHold, refund, money, stateOf };
}

const idOf = (answer: Answer) => {
  assert.equal(answer.status, 0, answer.reason);
  return String(answer.at('hold', 'hold_id'));
};
const transferOf = (answer: Answer) => {
  assert.equal(answer.status, 0, answer.reason);
  return String(answer.at('transfer', 'transfer_id'));
};
const reasonsOf = (answers: readonly Answer[]) =>
  answers.map(({ reason }) => reason).filter((reason) => reason);
const expireNow = (hold_id: string) =>
  stack.db.query('UPDATE holds SET expires_at = created_at WHERE id = $1', [hold_id]);

// blnkfinance/blnk#181
test('over-hold: holds made at once take more than there is', async () => {
  const { hold, money } = await twoPeople(1000);
  const made = await Promise.all(Array.from({ length: 20 }, () => hold(300)));
  assert.equal(made.filter(({ status }) => status === 0).length, 3);
  assert.deepEqual([...new Set(reasonsOf(made))], ['BALANCE_TOO_LOW']);
  assert.deepEqual(await money(), [100, 900, 0]);
});

// blnkfinance/blnk#181
test('held money can be spent by a payment before it is captured', async () => {
  const { payer, payee, hold, capture, money } = await twoPeople(1000);
  const hold_id = idOf(await hold(800));
  expectRefusal(await stack.as(payer).pay(payee, 300), 'ERR006', 'BALANCE_TOO_LOW');
  assert.equal((await capture(hold_id)).status, 0);
  assert.deepEqual(await money(), [200, 0, 800]);
});

// blnkfinance/blnk#62 and #120
test('commit above the hold: more is captured than was set aside', async () => {
  const { hold, capture, money } = await twoPeople(1000);
  const hold_id = idOf(await hold(500));
  expectRefusal(await capture(hold_id, { amount: won(501) }), 'ERR006', 'HOLD_AMOUNT_EXCEEDED', ['amount']);
  assert.equal((await capture(hold_id, { amount: won(400) })).status, 0);
  expectRefusal(await capture(hold_id, { amount: won(101) }), 'ERR006', 'HOLD_AMOUNT_EXCEEDED', ['amount']);
  assert.deepEqual(await money(), [500, 100, 400]);
});

// blnkfinance/blnk#171
test('parts captured at once read the same rest, and are more than the hold together', async () => {
  const { hold, capture, money } = await twoPeople(1000);
  const hold_id = idOf(await hold(500));
  const parts = await Promise.all(Array.from({ length: 8 }, () => capture(hold_id, { amount: won(200) })));
  assert.equal(parts.filter(({ status }) => status === 0).length, 2);
  assert.deepEqual([...new Set(reasonsOf(parts))], ['HOLD_AMOUNT_EXCEEDED']);
  assert.deepEqual(await money(), [500, 100, 400]);
});

test('capture of a voided hold', async () => {
  const { hold, capture, voidHold, money, stateOf } = await twoPeople(1000);
  const hold_id = idOf(await hold(500));
  assert.equal((await voidHold(hold_id)).status, 0);
  expectRefusal(await capture(hold_id), 'ERR006', 'HOLD_VOIDED', ['hold_id']);
  assert.deepEqual([await money(), await stateOf(hold_id)], [[1000, 0, 0], 'HOLD_STATE_VOIDED']);
});

// blnkfinance/blnk#182
test('capture of a rejected hold: what was refused leaves nothing that can be captured', async () => {
  const { payer, hold, wallet_id, money } = await twoPeople(1000);
  expectRefusal(await hold(1001), 'ERR006', 'BALANCE_TOO_LOW');
  const list = await stack.as(payer).call('wallet.v2.HoldService/ListHolds', { wallet_id });
  assert.deepEqual([list.list('holds'), await money()], [[], [1000, 0, 0]]);
});

// blnkfinance/blnk#41
test('void twice: a hold is given back more than once', async () => {
  const { payer, payee, hold, voidHold, money } = await twoPeople(1000);
  const hold_id = idOf(await hold(500));
  const voids = await Promise.all([payer, payee, payer, payee].map((by) => voidHold(hold_id, by)));
  assert.deepEqual(reasonsOf(voids), ['HOLD_VOIDED', 'HOLD_VOIDED', 'HOLD_VOIDED']);
  assert.deepEqual(await money(), [1000, 0, 0]);
});

test('void of a captured hold gives captured money back', async () => {
  const { hold, capture, voidHold, money } = await twoPeople(1000);
  const [whole, part] = [idOf(await hold(300)), idOf(await hold(500))];
  await capture(whole);
  await capture(part, { amount: won(200) });
  expectRefusal(await voidHold(whole), 'ERR006', 'HOLD_CAPTURED', ['hold_id']);
  assert.equal((await voidHold(part)).status, 0);
  assert.deepEqual(await money(), [500, 0, 500]);
});

// blnkfinance/blnk#293
test('a captured or voided hold is shown as open for good', async () => {
  const { payer, hold, capture, voidHold, stateOf, wallet_id } = await twoPeople(1000);
  const [captured, voided] = [idOf(await hold(300)), idOf(await hold(300))];
  await capture(captured);
  await voidHold(voided);
  assert.deepEqual(
    [await stateOf(captured), await stateOf(voided)],
    ['HOLD_STATE_CAPTURED', 'HOLD_STATE_VOIDED'],
  );
  const open = { wallet_id, states: ['HOLD_STATE_OPEN'] };
  assert.deepEqual((await stack.as(payer).call('wallet.v2.HoldService/ListHolds', open)).list('holds'), []);
});

// formancehq/wallets#46
test('void returns the money to another wallet than it came from', async () => {
  const { payer, wallet_id, call, hold, voidHold, money } = await twoPeople(1000);
  const opened = { currency_code: 'KRW', display_name: 'Second' };
  const second = String((await call(payer, 'WalletService/CreateWallet', opened)).at('wallet', 'wallet_id'));
  const move = { debit_wallet_id: wallet_id, credit_wallet_id: second, amount: won(400) };
  await call(payer, 'TransferService/CreateTransfer', move);
  const voided = await voidHold(idOf(await hold(300, { wallet_id: second })));
  assert.deepEqual([voided.body.balance, await money()], [won(400), [600, 0, 0]]);
});

// tigerbeetle/tigerbeetle#2118
test('expired hold captured: before the job that expires it has run, too', async () => {
  const { hold, capture, money, stateOf } = await twoPeople(1000);
  const hold_id = idOf(await hold(500));
  await expireNow(hold_id);
  expectRefusal(await capture(hold_id), 'ERR006', 'HOLD_EXPIRED', ['hold_id']);
  assert.deepEqual([await money(), await stateOf(hold_id)], [[500, 500, 0], 'HOLD_STATE_EXPIRED']);
});

// tigerbeetle/tigerbeetle#2000
test('a refused capture of an expired hold leaves half of a capture behind', async () => {
  const { hold, capture, money } = await twoPeople(1000);
  const hold_id = idOf(await hold(500));
  await capture(hold_id, { amount: won(100) });
  await expireNow(hold_id);
  await Promise.all(Array.from({ length: 5 }, () => capture(hold_id, { amount: won(100) })));
  const text = `SELECT count(*)::int AS count FROM transfers t JOIN holds h ON t.debit_account_id = h.pot_account_id
    WHERE h.id = $1`;
  assert.equal((await stack.db.query(text, [hold_id])).rows[0].count, 1);
  assert.deepEqual(await money(), [500, 400, 100]);
});

// blnkfinance/blnk#195
test("batch hold that can't be captured: holds made together are each captured and voided", async () => {
  const { hold, capture, voidHold, money } = await twoPeople(1000);
  const ids = (await Promise.all(Array.from({ length: 10 }, () => hold(50)))).map(idOf);
  assert.equal(new Set(ids).size, 10);
  const ended = await Promise.all(ids.map((id, index) => (index % 2 === 0 ? capture(id) : voidHold(id))));
  assert.deepEqual(reasonsOf(ended), []);
  assert.deepEqual(await money(), [750, 0, 250]);
});

// balanced/balanced-api#569
test('a hold whose answer was lost is made twice', async () => {
  const { payer, payee, wallet_id, money } = await twoPeople(1000);
  const request = { wallet_id, amount: won(300), credit_user_id: String(payee) };
  const identity = withKey(payer);
  const again = () => stack.grpc.call('wallet.v2.HoldService/CreateHold', request, identity);
  const ids = (await Promise.all([again(), again(), again()])).map(idOf);
  assert.equal(new Set(ids).size, 1);
  assert.deepEqual(await money(), [700, 300, 0]);
});

// blnkfinance/blnk#152
test('refund twice: a transfer is refunded again and again', async () => {
  const { payer, payee, refund, money } = await twoPeople(1000);
  const paid = await stack.as(payer).pay(payee, 400);
  const transfer_id = String(paid.body.transaction_id);
  assert.equal((await refund(transfer_id)).status, 0);
  const more = await Promise.all([refund(transfer_id), refund(transfer_id), refund(transfer_id)]);
  assert.deepEqual(
    reasonsOf(more),
    more.map(() => 'REFUND_EXCEEDS_TRANSFER'),
  );
  assert.deepEqual(await money(), [1000, 0, 0]);
});

// blnkfinance/blnk#374
test('a refused second refund reverses the first one', async () => {
  const { payer, payee, refund, money } = await twoPeople(1000);
  const transfer_id = String((await stack.as(payer).pay(payee, 100)).body.transaction_id);
  const first = transferOf(await refund(transfer_id));
  for (const _ of [1, 2]) {
    expectRefusal(await refund(transfer_id), 'ERR006', 'REFUND_EXCEEDS_TRANSFER');
    assert.deepEqual(await money(), [1000, 0, 0]);
  }
  // Nor is the refund refunded, which would pay again.
  for (const user of [payer, payee]) {
    const request = { transfer_id: first };
    const answer = await stack
      .as(user)
      .call('wallet.v2.TransferService/RefundTransfer', request, withKey(user));
    assert.equal(answer.reason, 'TRANSFER_NOT_REFUNDABLE');
  }
  assert.deepEqual(await money(), [1000, 0, 0]);
});

test('refunds in parts, made at once, are more than the transfer', async () => {
  const { payer, payee, refund, money } = await twoPeople(1000);
  const transfer_id = String((await stack.as(payer).pay(payee, 500)).body.transaction_id);
  await stack.fund([payee], 5000);
  const parts = await Promise.all(
    Array.from({ length: 10 }, () => refund(transfer_id, { amount: won(150) })),
  );
  assert.equal(parts.filter(({ status }) => status === 0).length, 3);
  assert.deepEqual(await money(), [950, 0, 5050]);
});

test('a refund overdraws a wallet whose money has been spent', async () => {
  const { payer, payee, refund, money } = await twoPeople(1000);
  const transfer_id = String((await stack.as(payer).pay(payee, 500)).body.transaction_id);
  await stack.as(payee).pay(payer, 100);
  expectRefusal(await refund(transfer_id), 'ERR006', 'BALANCE_TOO_LOW');
  assert.deepEqual(await money(), [600, 0, 400]);
});

test('the refund of a captured hold goes back into the hold', async () => {
  const { hold, capture, refund, money, stateOf } = await twoPeople(1000);
  const hold_id = idOf(await hold(500));
  const transfer_id = transferOf(await capture(hold_id));
  assert.equal((await refund(transfer_id, { amount: won(200) })).status, 0);
  assert.deepEqual([await money(), await stateOf(hold_id)], [[700, 0, 300], 'HOLD_STATE_CAPTURED']);
});
