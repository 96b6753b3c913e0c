// Payouts over gRPC and REST: many lines paid in the background, the bad ones named by number, all of them or each.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { actingAs, withKey } from '../api.ts';
import type { Answer, ApiClient, Json } from '../api-client.ts';
import { startWorkerProcess, type WorkerProcess, workerEnv } from '../processes.ts';
import { type OwnRedis, startOwnRedis, withoutRedis } from '../redis/own-redis.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';

const CREATE = 'wallet.v2.PayoutService/CreatePayout';
const ADD = 'wallet.v2.PayoutService/AddPayoutLines';
const START = 'wallet.v2.PayoutService/StartPayout';
const GET = 'wallet.v2.PayoutService/GetPayout';
const WATCH = 'wallet.v2.PayoutService/WatchPayout';
const FAILURES = 'wallet.v2.PayoutService/ListPayoutFailures';
const CANCEL = 'wallet.v2.PayoutService/CancelPayout';
const NO_ID = '00000000-0000-4000-8000-000000000000';

let stack: Stack;
let redis: OwnRedis;
let worker: WorkerProcess;
before(async () => {
  if (withoutRedis) return;
  redis = await startOwnRedis();
  stack = await startStack({ edge: !withoutEdge });
  worker = await startWorkerProcess(workerEnv(stack.database, redis.url));
});
after(async () => {
  if (withoutRedis) return;
  await worker.stop();
  await stack.stop();
  await redis.stop();
});

const money = (amount: number, currency_code = 'KRW') => ({ currency_code, minor_units: String(amount) });
const toUser = (user: number, amount: number, key = ''): Json => ({
  user_id: String(user),
  amount: money(amount),
  key,
});
const payoutOf = (answer: Answer) => answer.body.payout as Json;

const ways: readonly { over: string; first: number; client: () => ApiClient }[] = [
  { over: 'gRPC', first: 5300, client: () => stack.grpc },
  ...(withoutEdge ? [] : [{ over: 'REST', first: 5400, client: () => stack.rest }]),
];

for (const { over, first, client } of ways) {
  const [anna, bo, cho] = [first + 1, first + 2, first + 3];
  const options = { skip: withoutRedis };
  let wallet: string;
  const call = (rpc: string, request: Json, identity = withKey(anna)) =>
    client().call(rpc, request, identity);

  /** A draft with lines. */
  async function draft(mode: string, lines: readonly Json[]): Promise<string> {
    const made = await call(CREATE, { wallet_id: wallet, mode, memo: 'October' });
    assert.equal(made.status, 0, made.reason);
    const payout_id = String(payoutOf(made).payout_id);
    const added = await call(ADD, { payout_id, first_line: 1, lines: [...lines] }, actingAs(anna));
    assert.equal(added.status, 0, added.reason);
    return payout_id;
  }
  /** Watches a payout to its end. */
  async function ended(payout_id: string): Promise<Json> {
    const last = await call(WATCH, { payout_id }, actingAs(anna));
    assert.equal(last.status, 0, last.reason);
    assert.ok(payoutOf(last).ended_at, 'the last message shows its end');
    assert.deepEqual((await call(GET, { payout_id }, actingAs(anna))).body, last.body);
    return payoutOf(last);
  }
  const failuresOf = async (payout_id: string) =>
    (await call(FAILURES, { payout_id, page_size: 100 }, actingAs(anna)))
      .list('failures')
      .map(({ line, code, reason, field }) => `${line} ${code} ${reason} ${field}`);
  const mixed = () => [
    toUser(bo, 100, 'a'),
    toUser(999_999, 1, 'b'),
    toUser(bo, 0, 'c'),
    toUser(cho, 200, 'a'),
    { user_id: String(cho), amount: money(1, 'USD') },
    { user_id: String(cho), amount: money(1, 'ABC') },
    { wallet_id: NO_ID, amount: money(1) },
    { wallet_id: wallet, amount: money(1) },
    { ...toUser(cho, 300, 'd'), memo: 'Rent <"\\{}"> 🍚' },
  ];
  const BAD = [
    '2 ERR005 USER_NOT_FOUND user_id',
    '3 ERR001 INVALID_FIELD amount.minor_units',
    '4 ERR006 LINE_KEY_REUSED key',
    '5 ERR001 CURRENCY_MISMATCH amount.currency_code',
    '6 ERR001 UNKNOWN_CURRENCY amount.currency_code',
    '7 ERR005 WALLET_NOT_FOUND wallet_id',
    '8 ERR001 SELF_TRANSFER wallet_id',
  ];

  test(`each: bad lines are named by number, the others are paid, over ${over}`, options, async () => {
    await stack.addUsers([anna, bo, cho]);
    await stack.fund([anna], 10_000);
    wallet = await stack.as(anna).defaultWallet();
    const id = await draft('PAYOUT_MODE_EACH', mixed());
    assert.deepEqual(await failuresOf(id), BAD, 'they are named before anything moves');
    assert.equal(await stack.as(anna).balance(), 10_000);
    const started = await call(START, { payout_id: id, line_count: 9 });
    assert.deepEqual(
      [payoutOf(started).state, payoutOf(started).funded_amount],
      ['PAYOUT_STATE_RUNNING', money(400)],
    );
    const done = await ended(id);
    assert.deepEqual(
      [done.state, done.paid_count, done.failed_count, done.paid_amount],
      ['PAYOUT_STATE_DONE', 2, 7, money(400)],
    );
    assert.deepEqual(await failuresOf(id), BAD);
    assert.deepEqual(
      [await stack.as(anna).balance(), await stack.as(bo).balance(), await stack.as(cho).balance()],
      [9600, 100, 300],
    );
    const history = await stack.grpc.call(
      'wallet.v2.WalletService/ListTransactions',
      { wallet_id: await stack.as(cho).defaultWallet(), kinds: ['TRANSFER_KIND_PAYOUT_LINE'] },
      actingAs(cho),
    );
    const [paid] = history.list('transactions');
    assert.equal((paid?.transfer as Json | undefined)?.memo, 'Rent <"\\{}"> 🍚');
  });

  test(
    `all or nothing: one bad line, or too little money, and nothing moves, over ${over}`,
    options,
    async () => {
      const bad = await draft('PAYOUT_MODE_ALL_OR_NOTHING', [toUser(bo, 1), toUser(999_999, 1)]);
      const refused = await call(START, { payout_id: bad, line_count: 2 });
      assert.deepEqual([refused.reason, refused.fields], ['PAYOUT_HAS_INVALID_LINES', ['lines[2].user_id']]);
      const poor = await draft('PAYOUT_MODE_ALL_OR_NOTHING', [toUser(bo, 9000), toUser(cho, 601)]);
      assert.equal((await call(START, { payout_id: poor, line_count: 2 })).reason, 'BALANCE_TOO_LOW');
      assert.equal(await stack.as(anna).balance(), 9600);
      await stack.fund([anna], 1);
      assert.equal((await call(START, { payout_id: poor, line_count: 2 })).status, 0);
      assert.equal((await ended(poor)).paid_count, 2);
      assert.deepEqual(
        [await stack.as(anna).balance(), await stack.as(bo).balance(), await stack.as(cho).balance()],
        [0, 9100, 901],
      );
    },
  );

  test(
    `each: lines are paid for as long as the money lasts, the rest goes back, over ${over}`,
    options,
    async () => {
      await stack.fund([anna], 100);
      const id = await draft('PAYOUT_MODE_EACH', [toUser(bo, 60), toUser(cho, 50), toUser(bo, 30)]);
      await call(START, { payout_id: id, line_count: 3 });
      const done = await ended(id);
      assert.deepEqual([done.funded_amount, done.paid_amount], [money(100), money(90)]);
      assert.deepEqual(await failuresOf(id), ['2 ERR006 BALANCE_TOO_LOW ']);
      assert.equal(await stack.as(anna).balance(), 10);
    },
  );

  test(`every step may be made again, and pays once, over ${over}`, options, async () => {
    const [creating, starting] = [withKey(anna), withKey(anna)];
    const wish = { wallet_id: wallet, mode: 'PAYOUT_MODE_EACH' };
    const made = await call(CREATE, wish, creating);
    assert.deepEqual((await call(CREATE, wish, creating)).body, made.body);
    const payout_id = String(payoutOf(made).payout_id);
    const lines = [toUser(bo, 1, 'x'), toUser(cho, 1, 'x')];
    const add = { payout_id, first_line: 1, lines };
    const added = await call(ADD, add, actingAs(anna));
    assert.equal(added.list('bad_lines').length, 1);
    assert.deepEqual((await call(ADD, add, actingAs(anna))).body, added.body);
    const other = { ...add, lines: [toUser(bo, 2, 'x')] };
    assert.equal((await call(ADD, other, actingAs(anna))).reason, 'LINE_OUT_OF_ORDER');
    assert.equal((await call(ADD, { ...add, first_line: 4 }, actingAs(anna))).reason, 'LINE_OUT_OF_ORDER');
    const late = { payout_id, first_line: 3, lines: [toUser(bo, 3, 'x')] };
    assert.equal(
      (await call(ADD, late, actingAs(anna))).list('bad_lines')[0]?.reason,
      'LINE_KEY_REUSED',
      'also across calls',
    );
    assert.deepEqual((await call(START, { payout_id, line_count: 2 })).fields, ['line_count']);
    const started = await call(START, { payout_id, line_count: 3 }, starting);
    await ended(payout_id);
    assert.deepEqual((await call(START, { payout_id, line_count: 3 }, starting)).body, started.body);
    assert.equal((await call(START, { payout_id, line_count: 3 })).reason, 'PAYOUT_STARTED');
    assert.deepEqual((await call(ADD, add, actingAs(anna))).list('bad_lines'), added.list('bad_lines'));
    const more = { payout_id, first_line: 4, lines };
    assert.equal((await call(ADD, more, actingAs(anna))).reason, 'PAYOUT_STARTED');
    assert.equal((await call(CANCEL, { payout_id })).reason, 'PAYOUT_STARTED');
    assert.equal(await stack.as(anna).balance(), 9);
  });

  test(`a line gives its transfer a reference and labels, over ${over}`, options, async () => {
    const labels = [{ key: 'month', value: '10월' }];
    const line = (reference: string, more: Json = {}): Json => ({ ...toUser(bo, 1), reference, ...more });
    const id = await draft('PAYOUT_MODE_EACH', [line('pay-1', { labels }), line('pay-1'), line('pay-2')]);
    const add = (first_line: number, lines: Json[]) =>
      call(ADD, { payout_id: id, first_line, lines }, actingAs(anna));
    assert.deepEqual(await failuresOf(id), ['2 ERR006 REFERENCE_REUSED reference']);
    assert.equal(
      (await add(1, [line('pay-1')])).reason,
      'LINE_OUT_OF_ORDER',
      'without its labels it is another line',
    );
    assert.equal((await add(4, [line('pay-2')])).list('bad_lines')[0]?.reason, 'REFERENCE_REUSED');
    const two = [...labels, { key: 'month', value: '11월' }];
    assert.deepEqual((await add(5, [line('', { labels: two })])).fields, ['lines[0].labels']);
    // Given away before its turn comes.
    const taken = { wallet_id: wallet, amount: money(5), reference: 'pay-2' };
    assert.equal((await call('wallet.v2.TransferService/Deposit', taken)).status, 0);
    assert.equal((await call(START, { payout_id: id, line_count: 4 })).status, 0);
    assert.equal((await ended(id)).paid_count, 1);
    const lines = ['2', '3', '4'].map((number) => `${number} ERR006 REFERENCE_REUSED reference`);
    assert.deepEqual(await failuresOf(id), lines);
    const found = await call('wallet.v2.TransferService/GetTransfer', { reference: 'pay-1' }, actingAs(anna));
    const { kind, credit_user_id, labels: kept } = found.body.transfer as Json;
    assert.deepEqual([kind, credit_user_id, kept], ['TRANSFER_KIND_PAYOUT_LINE', String(bo), labels]);
    await call('wallet.v2.TransferService/Withdraw', { wallet_id: wallet, amount: money(4) });
  });

  test(`a payout that is cancelled pays no more, over ${over}`, options, async () => {
    const id = await draft('PAYOUT_MODE_EACH', [toUser(bo, 1)]);
    const identity = withKey(anna);
    const cancelled = await call(CANCEL, { payout_id: id }, identity);
    assert.equal(payoutOf(cancelled).state, 'PAYOUT_STATE_CANCELLED');
    assert.deepEqual((await call(CANCEL, { payout_id: id }, identity)).body, cancelled.body);
    assert.equal((await call(START, { payout_id: id, line_count: 1 })).reason, 'PAYOUT_STARTED');
    assert.equal(await stack.as(anna).balance(), 9);
  });

  test(`to others a payout does not exist, over ${over}`, options, async () => {
    const payout_id = await draft('PAYOUT_MODE_EACH', [toUser(bo, 1)]);
    const calls: [string, Json][] = [
      [ADD, { payout_id, first_line: 2, lines: [toUser(bo, 1)] }],
      [START, { payout_id, line_count: 1 }],
      [GET, { payout_id }],
      [WATCH, { payout_id }],
      [FAILURES, { payout_id }],
      [CANCEL, { payout_id }],
    ];
    for (const [rpc, request] of calls) {
      assert.equal((await call(rpc, request, withKey(bo))).reason, 'PAYOUT_NOT_FOUND', rpc);
      const nowhere = { ...request, payout_id: NO_ID };
      assert.equal((await call(rpc, nowhere)).reason, 'PAYOUT_NOT_FOUND', rpc);
    }
    const boWallet = { wallet_id: await stack.as(bo).defaultWallet(), mode: 'PAYOUT_MODE_EACH' };
    assert.equal((await call(CREATE, boWallet)).reason, 'WALLET_NOT_FOUND');
  });

  test(`what breaks the contract refuses the call, over ${over}`, options, async () => {
    const payout_id = await draft('PAYOUT_MODE_EACH', [toUser(bo, 1)]);
    const bad: [string, Json, string][] = [
      [CREATE, { wallet_id: wallet }, 'mode'],
      [ADD, { payout_id, first_line: 0, lines: [toUser(bo, 1)] }, 'first_line'],
      [ADD, { payout_id, first_line: 2, lines: [] }, 'lines'],
      [ADD, { payout_id, first_line: 2, lines: [{ amount: money(1) }] }, 'lines[0].destination'],
      [ADD, { payout_id, first_line: 2, lines: [{ user_id: '1' }] }, 'lines[0].amount'],
      [ADD, { payout_id, first_line: 100_000, lines: [toUser(bo, 1), toUser(bo, 1)] }, 'first_line'],
      [GET, { payout_id: 'x' }, 'payout_id'],
      [WATCH, { payout_id: 'x' }, 'payout_id'],
    ];
    for (const [rpc, request, field] of bad) {
      const answer = await call(rpc, request);
      assert.deepEqual([answer.reason, answer.fields], ['INVALID_FIELD', [field]]);
    }
  });
}
