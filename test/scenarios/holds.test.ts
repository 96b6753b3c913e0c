// Holds over gRPC and REST: set aside, captured in parts, given back, expired, and what each side may see and do.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { refundJobs } from '../../src/worker/jobs/refunds.ts';
import { actingAs, expectRefusal, withKey, won } from '../api.ts';
import type { Answer, ApiClient, Json } from '../api-client.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { createTestLedger } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';

const CREATE = 'wallet.v2.HoldService/CreateHold';
const CAPTURE = 'wallet.v2.HoldService/CaptureHold';
const VOID = 'wallet.v2.HoldService/VoidHold';
const GET = 'wallet.v2.HoldService/GetHold';
const LIST = 'wallet.v2.HoldService/ListHolds';
const NO_ID = '00000000-0000-4000-8000-000000000000';
const DAY_S = 24 * 60 * 60;

let stack: Stack;
before(async () => {
  stack = await startStack({ edge: !withoutEdge });
});
after(() => stack.stop());

const holdOf = (answer: Answer) => answer.body.hold as Json;
const lifetimeOf = ({ created_at, expires_at }: Json) =>
  (Date.parse(String(expires_at)) - Date.parse(String(created_at))) / 1000;

/** Lets the time of all holds be over, and a worker give back what is left. */
async function expireAll(): Promise<void> {
  await stack.db.query(`UPDATE holds SET expires_at = created_at WHERE state = 'open'`);
}
async function runExpiry(
  job: 'expire-holds' | 'expire-hold' = 'expire-holds',
  data: Record<string, string> = {},
): Promise<void> {
  const pool = createTestPool(stack.database.workerUrl);
  const { execute } = createTestLedger(pool);
  const jobs = refundJobs({ pool, execute, observer: { refunded: () => {} } });
  await jobs[job].run(data, new AbortController().signal);
  await pool.end();
}

/** What a user has by the table: the ledger of runExpiry() has no cache to keep in step. */
async function balanceInTable(user: number): Promise<number> {
  const text = 'SELECT balance FROM accounts WHERE owner_user_id = $1 AND is_default';
  return Number((await stack.db.query(text, [user])).rows[0].balance);
}

const ways: readonly { over: string; first: number; client: () => ApiClient }[] = [
  { over: 'gRPC', first: 5500, client: () => stack.grpc },
  ...(withoutEdge ? [] : [{ over: 'REST', first: 5600, client: () => stack.rest }]),
];

for (const { over, first, client } of ways) {
  const [anna, bo, cho, dan, eli] = [first + 1, first + 2, first + 3, first + 4, first + 5];
  const call = (user: number, rpc: string, request: Json) => client().call(rpc, request, withKey(user));
  const get = async (user: number, hold_id: unknown) =>
    client().call(GET, { hold_id: String(hold_id) }, actingAs(user));
  let wallet = '';
  // A hook of the file cannot be awaited by another one, so the first test of a way makes its people.
  beforeEach(async () => {
    if (wallet !== '') return;
    await stack.addUsers([anna, bo, cho, dan, eli]);
    await stack.fund([anna, dan], 10_000);
    wallet = await stack.as(anna).defaultWallet();
  });
  const create = async (request: Json = {}) => {
    const made = await call(anna, CREATE, { wallet_id: wallet, amount: won(1000), ...request });
    assert.equal(made.status, 0, made.reason);
    return String(holdOf(made).hold_id);
  };
  const walletOf = async (user = anna) => {
    const request = { wallet_id: await stack.as(user).defaultWallet() };
    const answer = await client().call('wallet.v2.WalletService/GetWallet', request, actingAs(user));
    return answer.body.wallet as Json;
  };
  const kindsOf = async (user: number) =>
    (
      await client().call(
        'wallet.v2.WalletService/ListTransactions',
        { wallet_id: await stack.as(user).defaultWallet() },
        actingAs(user),
      )
    )
      .list('transactions')
      .map(({ transfer, direction }) => [
        (transfer as Json).kind,
        direction,
        ((transfer as Json).amount as Json).minor_units,
        (transfer as Json).hold_id,
      ]);

  test(`what is held leaves the balance, and both sides see it, over ${over}`, async () => {
    const boWallet = await stack.as(bo).defaultWallet();
    const made = await call(anna, CREATE, {
      wallet_id: wallet.toUpperCase(),
      amount: won(3000),
      credit_user_id: String(bo),
      reason: 'A taxi',
    });
    assert.equal(made.status, 0, made.reason);
    assert.deepEqual(made.body.balance, won(7000));
    const hold = holdOf(made);
    const id = String(hold.hold_id);
    assert.deepEqual(
      [hold.wallet_id, hold.user_id, hold.credit_wallet_id, hold.credit_user_id, hold.state, hold.reason],
      [wallet, String(anna), boWallet, String(bo), 'HOLD_STATE_OPEN', 'A taxi'],
    );
    assert.deepEqual(
      [hold.amount, hold.captured_amount, hold.remaining_amount],
      [won(3000), won(0), won(3000)],
    );
    assert.equal(lifetimeOf(hold), 7 * DAY_S);
    assert.deepEqual([(await walletOf()).balance, (await walletOf()).held_amount], [won(7000), won(3000)]);
    assert.deepEqual((await get(bo, id)).body, { hold });
    assert.deepEqual((await get(anna, id)).body, { hold });
    assert.equal((await call(anna, VOID, { hold_id: id })).status, 0);
  });

  test(`a hold is captured in parts, and the rest returns with the final one, over ${over}`, async () => {
    const taxi = {
      wallet_id: await stack.as(dan).defaultWallet(),
      amount: won(3000),
      credit_user_id: String(eli),
      reason: 'A taxi',
    };
    const id = String(holdOf(await call(dan, CREATE, taxi)).hold_id);
    const credit_wallet = await stack.as(eli).defaultWallet();
    const part = await call(eli, CAPTURE, { hold_id: id.toUpperCase(), amount: won(1200) });
    assert.equal(part.status, 0, part.reason);
    const transfer = part.body.transfer as Json;
    assert.deepEqual(
      [transfer.kind, transfer.debit_wallet_id, transfer.credit_wallet_id, transfer.hold_id, transfer.memo],
      ['TRANSFER_KIND_CAPTURE', '', credit_wallet, id, 'A taxi'],
    );
    assert.deepEqual(
      [holdOf(part).state, holdOf(part).captured_amount, holdOf(part).remaining_amount],
      ['HOLD_STATE_OPEN', won(1200), won(1800)],
    );
    assert.deepEqual(
      [(await walletOf(dan)).balance, (await walletOf(dan)).held_amount],
      [won(7000), won(1800)],
    );
    expectRefusal(
      await call(eli, CAPTURE, { hold_id: id, amount: won(1801) }),
      'ERR006',
      'HOLD_AMOUNT_EXCEEDED',
      ['amount'],
    );
    const last = await call(eli, CAPTURE, { hold_id: id, amount: won(800), final: true });
    assert.deepEqual(
      [holdOf(last).state, holdOf(last).captured_amount, holdOf(last).remaining_amount],
      ['HOLD_STATE_CAPTURED', won(2000), won(0)],
    );
    assert.ok(holdOf(last).closed_at);
    assert.deepEqual([(await walletOf(dan)).balance, (await walletOf(dan)).held_amount], [won(8000), won(0)]);
    assert.equal(await stack.as(eli).balance(), 2000);
    assert.deepEqual(await kindsOf(dan), [
      ['TRANSFER_KIND_VOID', 'DIRECTION_IN', '1000', id],
      ['TRANSFER_KIND_HOLD', 'DIRECTION_OUT', '3000', id],
      ['TRANSFER_KIND_DEPOSIT', 'DIRECTION_IN', '10000', ''],
    ]);
    assert.deepEqual(await kindsOf(eli), [
      ['TRANSFER_KIND_CAPTURE', 'DIRECTION_IN', '800', id],
      ['TRANSFER_KIND_CAPTURE', 'DIRECTION_IN', '1200', id],
    ]);
    const v1 = await client().call('wallet.v1.WalletService/ListTransactions', {}, actingAs(dan));
    assert.deepEqual(
      v1.list('transactions').map(({ kind }) => kind),
      ['TRANSACTION_KIND_VOID', 'TRANSACTION_KIND_HOLD', 'TRANSACTION_KIND_DEPOSIT'],
    );
    for (const rpc of [CAPTURE, VOID])
      expectRefusal(await call(eli, rpc, { hold_id: id }), 'ERR006', 'HOLD_CAPTURED', ['hold_id']);
  });

  test(`a hold without a receiver is captured by its holder, who says for whom, over ${over}`, async () => {
    const id = await create({ expires_in: '60s' });
    assert.equal(lifetimeOf(holdOf(await get(anna, id))), 60);
    expectRefusal(await call(anna, CAPTURE, { hold_id: id }), 'ERR001', 'INVALID_FIELD', [
      'credit_wallet_id',
    ]);
    expectRefusal(
      await call(anna, CAPTURE, { hold_id: id, credit_wallet_id: wallet }),
      'ERR001',
      'SELF_TRANSFER',
      ['credit_wallet_id'],
    );
    expectRefusal(
      await call(anna, CAPTURE, { hold_id: id, credit_user_id: '999999' }),
      'ERR005',
      'USER_NOT_FOUND',
      ['credit_user_id'],
    );
    const before = await stack.as(cho).balance();
    const captured = await call(anna, CAPTURE, { hold_id: id, credit_user_id: String(cho) });
    assert.equal(captured.status, 0, captured.reason);
    assert.equal(holdOf(captured).state, 'HOLD_STATE_CAPTURED');
    assert.equal(await stack.as(cho).balance(), before + 1000);
  });

  test(`holder and receiver void a hold, and only the holder sees the balance, over ${over}`, async () => {
    const balance = await stack.as(anna).balance();
    const [mine, theirs] = [await create(), await create({ credit_user_id: String(bo) })];
    assert.equal(await stack.as(anna).balance(), balance - 2000);
    const voided = await call(anna, VOID, { hold_id: mine });
    assert.deepEqual(voided.body.balance, won(balance - 1000));
    assert.equal(holdOf(voided).state, 'HOLD_STATE_VOIDED');
    const declined = await call(bo, VOID, { hold_id: theirs });
    assert.equal(declined.status, 0, declined.reason);
    assert.equal(declined.body.balance ?? null, null);
    assert.equal(await stack.as(anna).balance(), balance);
    for (const rpc of [CAPTURE, VOID]) {
      const request = { hold_id: theirs };
      expectRefusal(await call(bo, rpc, request), 'ERR006', 'HOLD_VOIDED', ['hold_id']);
    }
    assert.deepEqual((await walletOf()).held_amount, won(0));
  });

  test(`from its end on a hold is expired, and what is left returns, over ${over}`, async () => {
    const balance = await balanceInTable(anna);
    const id = await create({ credit_user_id: String(bo) });
    await call(bo, CAPTURE, { hold_id: id, amount: won(300) });
    await expireAll();
    for (const rpc of [CAPTURE, VOID])
      expectRefusal(await call(bo, rpc, { hold_id: id }), 'ERR006', 'HOLD_EXPIRED', ['hold_id']);
    const over = holdOf(await get(anna, id));
    assert.deepEqual([over.state, over.remaining_amount], ['HOLD_STATE_EXPIRED', won(700)]);
    await runExpiry();
    const ended = holdOf(await get(anna, id));
    assert.deepEqual(
      [ended.state, ended.captured_amount, ended.remaining_amount],
      ['HOLD_STATE_EXPIRED', won(300), won(0)],
    );
    assert.ok(ended.closed_at);
    assert.equal(await balanceInTable(anna), balance - 300);
    await runExpiry();
    assert.equal(await balanceInTable(anna), balance - 300);
  });

  test(`to others a hold does not exist, and a holder does not capture for its receiver, over ${over}`, async () => {
    const id = await create({ credit_user_id: String(bo) });
    for (const rpc of [CAPTURE, VOID])
      expectRefusal(await call(cho, rpc, { hold_id: id }), 'ERR005', 'HOLD_NOT_FOUND', ['hold_id']);
    expectRefusal(await get(cho, id), 'ERR005', 'HOLD_NOT_FOUND', ['hold_id']);
    expectRefusal(await get(anna, NO_ID), 'ERR005', 'HOLD_NOT_FOUND', ['hold_id']);
    expectRefusal(await call(anna, CAPTURE, { hold_id: id }), 'ERR006', 'HOLD_HAS_RECEIVER');
    expectRefusal(
      await call(bo, CAPTURE, { hold_id: id, credit_user_id: String(cho) }),
      'ERR001',
      'INVALID_FIELD',
      ['credit_user_id'],
    );
    expectRefusal(
      await call(bo, CAPTURE, { hold_id: id, amount: { currency_code: 'USD', minor_units: '1' } }),
      'ERR001',
      'CURRENCY_MISMATCH',
      ['amount.currency_code'],
    );
    const list = { wallet_id: wallet };
    expectRefusal(await client().call(LIST, list, actingAs(cho)), 'ERR005', 'WALLET_NOT_FOUND', [
      'wallet_id',
    ]);
    assert.equal((await call(bo, VOID, { hold_id: id })).status, 0);
  });

  test(`bad holds are refused by their fields, over ${over}`, async () => {
    const held = (await walletOf()).held_amount;
    const refused = async (request: Json, reason: string, field: string, code = 'ERR001') =>
      expectRefusal(
        await call(anna, CREATE, { wallet_id: wallet, amount: won(1), ...request }),
        code,
        reason,
        [field],
      );
    await refused({ amount: won(0) }, 'INVALID_FIELD', 'amount');
    await refused(
      { amount: { currency_code: 'USD', minor_units: '1' } },
      'CURRENCY_MISMATCH',
      'amount.currency_code',
    );
    await refused({ expires_in: '59.999s' }, 'INVALID_FIELD', 'expires_in');
    await refused({ expires_in: '7776001s' }, 'INVALID_FIELD', 'expires_in');
    await refused({ reason: 'x'.repeat(201) }, 'INVALID_FIELD', 'reason');
    await refused({ credit_wallet_id: wallet }, 'SELF_TRANSFER', 'credit_wallet_id');
    await refused({ credit_wallet_id: NO_ID }, 'WALLET_NOT_FOUND', 'credit_wallet_id', 'ERR005');
    await refused(
      { wallet_id: await stack.as(bo).defaultWallet() },
      'WALLET_NOT_FOUND',
      'wallet_id',
      'ERR005',
    );
    expectRefusal(
      await call(anna, CREATE, { wallet_id: wallet, amount: won(1_000_000) }),
      'ERR006',
      'BALANCE_TOO_LOW',
    );
    assert.deepEqual((await walletOf()).held_amount, held);
  });

  test(`holds are listed for both sides, by state, page by page, over ${over}`, async () => {
    const ids = [
      await create({ credit_user_id: String(cho) }),
      await create({ credit_user_id: String(cho) }),
    ];
    await call(cho, VOID, { hold_id: ids[0] as string });
    const list = (user: number, wallet_id: string, more: Json = {}) =>
      client().call(LIST, { wallet_id, ...more }, actingAs(user));
    const choWallet = await stack.as(cho).defaultWallet();
    const all = await list(cho, choWallet);
    assert.deepEqual(
      all.list('holds').map(({ hold_id, state }) => [hold_id, state]),
      [
        [ids[1], 'HOLD_STATE_OPEN'],
        [ids[0], 'HOLD_STATE_VOIDED'],
      ],
    );
    const open = await list(cho, choWallet, { states: ['HOLD_STATE_OPEN', 'HOLD_STATE_EXPIRED'] });
    assert.deepEqual(
      open.list('holds').map(({ hold_id }) => hold_id),
      [ids[1]],
    );
    const pages: unknown[] = [];
    let page_token = '';
    do {
      const page = await list(anna, wallet, { page_size: 3, page_token });
      assert.equal(page.status, 0, page.reason);
      pages.push(...page.list('holds').map(({ hold_id }) => hold_id));
      page_token = String(page.body.next_page_token);
    } while (page_token !== '');
    assert.equal(pages.length, new Set(pages).size);
    assert.deepEqual(pages.slice(0, 2), [ids[1], ids[0]]);
    const { rows } = await stack.db.query('SELECT count(*)::int AS count FROM holds WHERE user_id = $1', [
      anna,
    ]);
    assert.equal(pages.length, rows[0].count);
    await call(cho, VOID, { hold_id: ids[1] as string });
  });
}

test('the same key gets the same answer, by GetOutcome too', async () => {
  const [dora, eve] = [5701, 5702];
  await stack.addUsers([dora, eve]);
  await stack.fund([dora], 5000);
  const wallet_id = await stack.as(dora).defaultWallet();
  const request = { wallet_id, amount: won(700), credit_user_id: String(eve) };
  const identity = withKey(dora);
  const made = await stack.grpc.call(CREATE, request, identity);
  assert.deepEqual((await stack.grpc.call(CREATE, request, identity)).body, made.body);
  const capture = withKey(eve);
  const hold_id = String(holdOf(made).hold_id);
  const captured = await stack.grpc.call(CAPTURE, { hold_id }, capture);
  assert.deepEqual((await stack.grpc.call(CAPTURE, { hold_id }, capture)).body, captured.body);
  const outcome = await stack.as(eve).call('wallet.v2.TransferService/GetOutcome', {
    idempotency_key: String(capture.idempotencyKey),
  });
  const { '@type': type, ...answer } = outcome.body.answer as Json;
  assert.equal(type, 'type.googleapis.com/wallet.v2.CaptureHoldResponse');
  assert.deepEqual(answer, captured.body);
  assert.equal(await stack.as(eve).balance(), 700);
});

test('a hold that does not agree with its pot holds up no other one, and becomes a job of its own', async () => {
  const [fred] = [5711];
  await stack.addUsers([fred]);
  await stack.fund([fred], 4000);
  const wallet_id = await stack.as(fred).defaultWallet();
  const made = await Promise.all(
    Array.from({ length: 40 }, () =>
      stack.as(fred).call(CREATE, { wallet_id, amount: won(100) }, withKey(fred)),
    ),
  );
  const ids = made.map((answer) => String(holdOf(answer).hold_id)).sort();
  const [wrong = ''] = ids;
  const setPot = (by: number) =>
    stack.db.query(
      `UPDATE accounts SET balance = balance + $1 WHERE id = (SELECT pot_account_id FROM holds WHERE id = $2)`,
      [by, wrong],
    );
  await setPot(1);
  await expireAll();
  await runExpiry();
  const { rows } = await stack.db.query(`SELECT id FROM holds WHERE user_id = $1 AND state = 'open'`, [fred]);
  assert.deepEqual(rows, [{ id: wrong }]);
  const jobs = await stack.db.query(`SELECT data->>'holdId' AS id FROM outbox WHERE job = 'expire-hold'`);
  assert.deepEqual(jobs.rows, [{ id: wrong }]);
  await setPot(-1);
  await runExpiry('expire-hold', { holdId: wrong });
  assert.equal(await balanceInTable(fred), 4000);
});
