// Gifts over gRPC and REST: sent, accepted, declined, cancelled, expired, and what each side and others may see and do.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { refundJobs } from '../../src/worker/jobs/refunds.ts';
import { actingAs, expectRefusal, withKey, won } from '../api.ts';
import type { Answer, ApiClient, Json } from '../api-client.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { createTestLedger } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';

const CREATE = 'wallet.v2.GiftService/CreateGift';
const ACCEPT = 'wallet.v2.GiftService/AcceptGift';
const DECLINE = 'wallet.v2.GiftService/DeclineGift';
const CANCEL = 'wallet.v2.GiftService/CancelGift';
const GET = 'wallet.v2.GiftService/GetGift';
const LIST = 'wallet.v2.GiftService/ListGifts';
const ENDS = [ACCEPT, DECLINE, CANCEL];
const NO_ID = '00000000-0000-4000-8000-000000000000';
const DAY_S = 24 * 60 * 60;

let stack: Stack;
before(async () => {
  stack = await startStack({ edge: !withoutEdge });
});
after(() => stack.stop());

const giftOf = (answer: Answer) => answer.body.gift as Json;
const lifetimeOf = ({ created_at, expires_at }: Json) =>
  (Date.parse(String(expires_at)) - Date.parse(String(created_at))) / 1000;

async function runExpiry(): Promise<void> {
  const pool = createTestPool(stack.database.workerUrl);
  const { execute } = createTestLedger(pool);
  const jobs = refundJobs({ pool, execute, observer: { refunded: () => {} } });
  await jobs['expire-holds'].run({}, new AbortController().signal);
  await pool.end();
}

/** What a user has and holds by the table: the ledger of runExpiry() has no cache to keep in step. */
async function inTable(user: number): Promise<number[]> {
  const text = 'SELECT balance, held_amount FROM accounts WHERE owner_user_id = $1 AND is_default';
  const { balance, held_amount } = (await stack.db.query(text, [user])).rows[0];
  return [Number(balance), Number(held_amount)];
}

const ways: readonly { over: string; first: number; client: () => ApiClient }[] = [
  { over: 'gRPC', first: 5800, client: () => stack.grpc },
  ...(withoutEdge ? [] : [{ over: 'REST', first: 5900, client: () => stack.rest }]),
];

for (const { over, first, client } of ways) {
  const [anna, bo, cho, dan, eli] = [first + 1, first + 2, first + 3, first + 4, first + 5];
  const call = (user: number, rpc: string, request: Json) => client().call(rpc, request, withKey(user));
  const read = (user: number, rpc: string, request: Json = {}) => client().call(rpc, request, actingAs(user));
  const stateOf = async (user: number, gift_id: string) => giftOf(await read(user, GET, { gift_id })).state;
  let isReady = false;
  // A hook of the file cannot be awaited by another one, so the first test of a way makes its people.
  beforeEach(async () => {
    if (isReady) return;
    isReady = true;
    await stack.addUsers([anna, bo, cho, dan, eli]);
    await stack.fund([anna, dan], 10_000);
  });
  const create = async (request: Json = {}, from = anna) => {
    const made = await call(from, CREATE, {
      credit_user_id: String(bo),
      amount: won(1000),
      ...request,
    });
    assert.equal(made.status, 0, made.reason);
    return String(giftOf(made).gift_id);
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
        (transfer as Json).gift_id,
      ]);

  test(`a gift leaves the sender's balance, and is accepted in whole, over ${over}`, async () => {
    const wallet_id = await stack.as(dan).defaultWallet();
    const made = await call(dan, CREATE, {
      wallet_id: wallet_id.toUpperCase(),
      credit_user_id: String(eli),
      amount: won(3000),
      message: 'Happy birthday',
    });
    assert.equal(made.status, 0, made.reason);
    assert.deepEqual(made.body.balance, won(7000));
    const gift = giftOf(made);
    assert.deepEqual(
      [gift.sender_user_id, gift.receiver_user_id, gift.wallet_id, gift.amount, gift.message, gift.state],
      [String(dan), String(eli), wallet_id, won(3000), 'Happy birthday', 'GIFT_STATE_OPEN'],
    );
    assert.equal(lifetimeOf(gift), 3 * DAY_S);
    assert.deepEqual(await inTable(dan), [7000, 3000]);
    const gift_id = String(gift.gift_id);
    assert.deepEqual((await read(dan, GET, { gift_id })).body, { gift });
    assert.deepEqual((await read(eli, GET, { gift_id })).body, { gift: { ...gift, wallet_id: '' } });

    const accepted = await call(eli, ACCEPT, { gift_id: gift_id.toUpperCase() });
    assert.equal(accepted.status, 0, accepted.reason);
    const transfer = accepted.body.transfer as Json;
    assert.deepEqual(
      [transfer.kind, transfer.debit_wallet_id, transfer.credit_wallet_id, transfer.gift_id, transfer.memo],
      ['TRANSFER_KIND_GIFT_ACCEPT', '', await stack.as(eli).defaultWallet(), gift_id, 'Happy birthday'],
    );
    assert.deepEqual(
      [giftOf(accepted).state, accepted.body.balance, giftOf(accepted).wallet_id],
      ['GIFT_STATE_ACCEPTED', won(3000), ''],
    );
    assert.ok(giftOf(accepted).closed_at);
    assert.deepEqual(
      [await inTable(dan), await inTable(eli)],
      [
        [7000, 0],
        [3000, 0],
      ],
    );
    assert.deepEqual(await kindsOf(eli), [['TRANSFER_KIND_GIFT_ACCEPT', 'DIRECTION_IN', '3000', gift_id]]);
    assert.deepEqual((await kindsOf(dan))[0], ['TRANSFER_KIND_GIFT', 'DIRECTION_OUT', '3000', gift_id]);
    const v1 = await client().call('wallet.v1.WalletService/ListTransactions', {}, actingAs(eli));
    assert.deepEqual(
      v1.list('transactions').map(({ kind, amount }) => [kind, amount]),
      [['TRANSACTION_KIND_GIFT_ACCEPT', '3000']],
    );

    const refund = await client().call(
      'wallet.v2.TransferService/RefundTransfer',
      { transfer_id: transfer.transfer_id as string, amount: won(500) },
      withKey(eli),
    );
    assert.equal(refund.status, 0, refund.reason);
    assert.deepEqual(
      [await inTable(dan), await inTable(eli)],
      [
        [7500, 0],
        [2500, 0],
      ],
    );
  });

  test(`a gift is declined by its receiver, and cancelled by its sender, over ${over}`, async () => {
    const [balance = 0] = await inTable(anna);
    const [declined, cancelled] = [await create(), await create()];
    assert.deepEqual(await inTable(anna), [balance - 2000, 2000]);
    const no = await call(bo, DECLINE, { gift_id: declined });
    assert.deepEqual(no.body, { gift: { ...giftOf(no), state: 'GIFT_STATE_DECLINED' } });
    const back = await call(anna, CANCEL, { gift_id: cancelled });
    assert.deepEqual([giftOf(back).state, back.body.balance], ['GIFT_STATE_CANCELLED', won(balance)]);
    assert.deepEqual(await inTable(anna), [balance, 0]);
    assert.deepEqual((await kindsOf(anna)).slice(0, 2), [
      ['TRANSFER_KIND_GIFT_RETURN', 'DIRECTION_IN', '1000', cancelled],
      ['TRANSFER_KIND_GIFT_RETURN', 'DIRECTION_IN', '1000', declined],
    ]);
    for (const [gift_id, reason] of [
      [declined, 'GIFT_DECLINED'],
      [cancelled, 'GIFT_CANCELLED'],
    ] as const) {
      for (const rpc of ENDS) {
        const answer = await call(rpc === CANCEL ? anna : bo, rpc, { gift_id });
        expectRefusal(answer, 'ERR006', reason, ['gift_id']);
      }
    }
  });

  test(`from its end on a gift is expired, and the money returns, over ${over}`, async () => {
    const [balance = 0] = await inTable(anna);
    const gift_id = await create({ expires_in: '60s' });
    assert.equal(lifetimeOf(giftOf(await read(bo, GET, { gift_id }))), 60);
    await stack.db.query('UPDATE holds SET expires_at = created_at WHERE id = $1', [gift_id]);
    for (const rpc of ENDS) {
      const answer = await call(rpc === CANCEL ? anna : bo, rpc, { gift_id });
      expectRefusal(answer, 'ERR006', 'GIFT_EXPIRED', ['gift_id']);
    }
    assert.deepEqual(
      [await stateOf(bo, gift_id), await inTable(anna)],
      ['GIFT_STATE_EXPIRED', [balance - 1000, 1000]],
    );
    await runExpiry();
    assert.deepEqual(await inTable(anna), [balance, 0]);
    assert.ok(giftOf(await read(anna, GET, { gift_id })).closed_at);
  });

  test(`a gift goes into the wallet that its receiver names, over ${over}`, async () => {
    const open = async (user: number, currency_code: string) => {
      const made = await stack
        .as(user)
        .call(
          'wallet.v2.WalletService/CreateWallet',
          { currency_code, display_name: 'Second' },
          withKey(user),
        );
      return String(made.at('wallet', 'wallet_id'));
    };
    const [annas, bos, second] = [await open(anna, 'USD'), await open(bo, 'USD'), await open(bo, 'KRW')];
    const dollars = { currency_code: 'USD', minor_units: '250' };
    await stack
      .as(anna)
      .call('wallet.v2.TransferService/Deposit', { wallet_id: annas, amount: dollars }, withKey(anna));
    const foreign = await create({ wallet_id: annas, amount: dollars });
    const refused = async (gift_id: string, wallet_id: string, reason: string, code = 'ERR001') =>
      expectRefusal(await call(bo, ACCEPT, wallet_id ? { gift_id, wallet_id } : { gift_id }), code, reason, [
        'wallet_id',
      ]);
    await refused(foreign, '', 'CURRENCY_MISMATCH');
    await refused(foreign, second, 'CURRENCY_MISMATCH');
    await refused(foreign, annas, 'WALLET_NOT_FOUND', 'ERR005');
    await refused(foreign, NO_ID, 'WALLET_NOT_FOUND', 'ERR005');
    const accepted = await call(bo, ACCEPT, { gift_id: foreign, wallet_id: bos });
    assert.deepEqual(accepted.body.balance, dollars, accepted.reason);
    const won1000 = await create();
    const into = await call(bo, ACCEPT, { gift_id: won1000, wallet_id: second.toUpperCase() });
    assert.deepEqual([into.body.balance, into.at('transfer', 'credit_wallet_id')], [won(1000), second]);
  });

  test(`each side ends a gift in its way only, and to others it does not exist, over ${over}`, async () => {
    const gift_id = await create();
    for (const rpc of ENDS)
      expectRefusal(await call(cho, rpc, { gift_id }), 'ERR005', 'GIFT_NOT_FOUND', ['gift_id']);
    expectRefusal(await read(cho, GET, { gift_id }), 'ERR005', 'GIFT_NOT_FOUND', ['gift_id']);
    expectRefusal(await read(anna, GET, { gift_id: NO_ID }), 'ERR005', 'GIFT_NOT_FOUND', ['gift_id']);
    expectRefusal(await call(anna, ACCEPT, { gift_id }), 'ERR006', 'GIFT_FOR_RECEIVER');
    expectRefusal(await call(anna, DECLINE, { gift_id }), 'ERR006', 'GIFT_FOR_RECEIVER');
    expectRefusal(await call(bo, CANCEL, { gift_id }), 'ERR006', 'GIFT_FOR_SENDER');
    assert.equal((await call(bo, DECLINE, { gift_id })).status, 0);
  });

  test(`a gift is no hold, and a hold is no gift, over ${over}`, async () => {
    const gift_id = await create();
    const wallet_id = await stack.as(anna).defaultWallet();
    const hold = (user: number, rpc: string, request: Json) =>
      client().call(`wallet.v2.HoldService/${rpc}`, request, withKey(user));
    for (const rpc of ['CaptureHold', 'VoidHold', 'GetHold']) {
      const answer = await hold(bo, rpc, { hold_id: gift_id });
      expectRefusal(answer, 'ERR005', 'HOLD_NOT_FOUND', ['hold_id']);
    }
    const made = await hold(anna, 'CreateHold', { wallet_id, amount: won(1), credit_user_id: String(bo) });
    const hold_id = String(made.at('hold', 'hold_id'));
    for (const rpc of ENDS) {
      const answer = await call(bo, rpc, { gift_id: hold_id });
      expectRefusal(answer, 'ERR005', 'GIFT_NOT_FOUND', ['gift_id']);
    }
    expectRefusal(await read(bo, GET, { gift_id: hold_id }), 'ERR005', 'GIFT_NOT_FOUND', ['gift_id']);
    const holds = await client().call('wallet.v2.HoldService/ListHolds', { wallet_id }, actingAs(anna));
    assert.deepEqual(
      holds.list('holds').map((one) => one.hold_id),
      [hold_id],
    );
    const gifts = (await read(anna, LIST)).list('gifts').map((one) => one.gift_id);
    assert.deepEqual([gifts.includes(gift_id), gifts.includes(hold_id)], [true, false]);
    assert.equal((await call(anna, CANCEL, { gift_id })).status, 0);
    assert.equal((await hold(anna, 'VoidHold', { hold_id })).status, 0);
  });

  test(`bad gifts are refused by their fields, over ${over}`, async () => {
    const before = await inTable(anna);
    const refused = async (change: Json, reason: string, field: string, code = 'ERR001') =>
      expectRefusal(
        await call(anna, CREATE, { credit_user_id: String(bo), amount: won(1), ...change }),
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
    await refused({ expires_in: '2592001s' }, 'INVALID_FIELD', 'expires_in');
    await refused({ message: 'x'.repeat(201) }, 'INVALID_FIELD', 'message');
    await refused({ message: 'a\u0000b' }, 'INVALID_FIELD', 'message');
    await refused({ credit_user_id: '0' }, 'INVALID_FIELD', 'credit_user_id');
    await refused({ credit_user_id: String(anna) }, 'SELF_TRANSFER', 'credit_user_id');
    await refused({ credit_user_id: '999999' }, 'USER_NOT_FOUND', 'credit_user_id', 'ERR005');
    await refused(
      { wallet_id: await stack.as(bo).defaultWallet() },
      'WALLET_NOT_FOUND',
      'wallet_id',
      'ERR005',
    );
    const above = { credit_user_id: String(bo), amount: won(1_000_000) };
    expectRefusal(await call(anna, CREATE, above), 'ERR006', 'BALANCE_TOO_LOW');
    assert.deepEqual(await inTable(anna), before);
  });

  test(`gifts are listed as sent and received, by state, page by page, over ${over}`, async () => {
    const toCho = { credit_user_id: String(cho), amount: won(10) };
    const ids = [await create(toCho), await create(toCho), await create(toCho)] as const;
    await call(cho, DECLINE, { gift_id: ids[0] });
    await call(anna, CANCEL, { gift_id: ids[1] });
    const idsOf = (answer: Answer) => answer.list('gifts').map((one) => one.gift_id);
    const received = { direction: 'GIFT_DIRECTION_RECEIVED' };
    assert.deepEqual(idsOf(await read(cho, LIST, received)), ids.toReversed());
    assert.deepEqual(idsOf(await read(cho, LIST)), ids.toReversed());
    assert.deepEqual(idsOf(await read(cho, LIST, { direction: 'GIFT_DIRECTION_SENT' })), []);
    const open = { ...received, states: ['GIFT_STATE_OPEN'] };
    assert.deepEqual(idsOf(await read(cho, LIST, open)), [ids[2]]);
    const ended = { states: ['GIFT_STATE_DECLINED', 'GIFT_STATE_CANCELLED'] };
    assert.deepEqual(idsOf(await read(cho, LIST, ended)), [ids[1], ids[0]]);
    const pages: unknown[] = [];
    let page_token = '';
    do {
      const page = await read(anna, LIST, {
        direction: 'GIFT_DIRECTION_SENT',
        page_size: 2,
        page_token,
      });
      assert.equal(page.status, 0, page.reason);
      pages.push(...idsOf(page));
      page_token = String(page.body.next_page_token);
    } while (page_token !== '');
    const text = `SELECT count(*)::int AS count FROM holds WHERE user_id = $1 AND kind = 'gift'`;
    assert.deepEqual(pages.slice(0, 3), ids.toReversed());
    assert.equal(new Set(pages).size, (await stack.db.query(text, [anna])).rows[0].count);
    await call(cho, DECLINE, { gift_id: ids[2] });
  });
}

test('the same key gets the same answer, by GetOutcome too', async () => {
  const [dora, eve] = [5711, 5712];
  await stack.addUsers([dora, eve]);
  await stack.fund([dora], 5000);
  const identity = withKey(dora);
  const request = { credit_user_id: String(eve), amount: won(700) };
  const made = await stack.grpc.call(CREATE, request, identity);
  assert.deepEqual((await stack.grpc.call(CREATE, request, identity)).body, made.body);
  const accept = withKey(eve);
  const gift_id = String(giftOf(made).gift_id);
  const accepted = await stack.grpc.call(ACCEPT, { gift_id }, accept);
  assert.deepEqual((await stack.grpc.call(ACCEPT, { gift_id }, accept)).body, accepted.body);
  const outcome = await stack.as(eve).call('wallet.v2.TransferService/GetOutcome', {
    idempotency_key: String(accept.idempotencyKey),
  });
  const { '@type': type, ...answer } = outcome.body.answer as Json;
  assert.equal(type, 'type.googleapis.com/wallet.v2.AcceptGiftResponse');
  assert.deepEqual(answer, accepted.body);
  assert.deepEqual(
    [await inTable(dora), await inTable(eve)],
    [
      [4300, 0],
      [700, 0],
    ],
  );
});

test('reconciling finds a gift that does not agree with its pot', async () => {
  const [fay, gus] = [5721, 5722];
  await stack.addUsers([fay, gus]);
  await stack.fund([fay], 1000);
  const request = { credit_user_id: String(gus), amount: won(100) };
  const made = await stack.as(fay).call(CREATE, request, withKey(fay));
  const id = String(giftOf(made).gift_id);
  const setPot = (by: number) =>
    stack.db.query(
      'UPDATE accounts SET balance = balance + $1 WHERE id = (SELECT pot_account_id FROM holds WHERE id = $2)',
      [by, id],
    );
  const faults = async () => {
    const client = await stack.db.connect();
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      const { rows } = await client.query('SELECT faults FROM reconcile_ledger()');
      return rows[0].faults as { kind: string; id: string }[];
    } finally {
      await client.query('ROLLBACK').finally(() => client.release());
    }
  };
  assert.deepEqual(await faults(), []);
  await setPot(1);
  assert.ok((await faults()).some((fault) => fault.kind === 'hold' && fault.id === id));
  await setPot(-1);
});
