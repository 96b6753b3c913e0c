// References and labels over gRPC and REST: given once, found exactly, and seen by nobody else.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { actingAs, expectRefusal, withKey, won } from '../api.ts';
import type { Answer, ApiClient, Json } from '../api-client.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';

const SERVICE = 'wallet.v2.TransferService';
const NONE = { reference: '', labels: [] };

let stack: Stack;
before(async () => {
  stack = await startStack({ edge: !withoutEdge });
});
after(() => stack.stop());

const transferOf = (answer: Answer) => answer.body.transfer as Json;
/** The transfers of a page of transactions. */
function idsOf(answer: Answer): unknown[] {
  assert.equal(answer.status, 0, answer.reason);
  return answer.list('transactions').map(({ transfer }) => (transfer as Json).transfer_id);
}
const label = (key: string, value: string): Json => ({ key, value });
const attached = ({ reference, labels }: Json) => ({ reference, labels });

const ways: readonly { over: string; first: number; client: () => ApiClient }[] = [
  { over: 'gRPC', first: 6100, client: () => stack.grpc },
  ...(withoutEdge ? [] : [{ over: 'REST', first: 6200, client: () => stack.rest }]),
];

for (const { over, first, client } of ways) {
  const [anna, bo, cho] = [first + 1, first + 2, first + 3];
  let wallet = '';
  beforeEach(async () => {
    if (wallet) return;
    await stack.addUsers([anna, bo, cho]);
    await stack.fund([anna], 10_000);
    wallet = await stack.as(anna).defaultWallet();
  });
  const call = (user: number, name: string, request: Json, identity = withKey(user)) =>
    client().call(`${SERVICE}/${name}`, request, identity);
  const payment = (more: Json = {}): Json => ({
    debit_wallet_id: wallet,
    credit_user_id: String(bo),
    amount: won(10),
    ...more,
  });
  const pay = (more: Json, identity = withKey(anna)) => call(anna, 'CreateTransfer', payment(more), identity);
  const listOf = (user: number, wallet_id: string) => (filter: Json) =>
    client().call('wallet.v2.WalletService/ListTransactions', { wallet_id, ...filter }, actingAs(user));
  const get = async (user: number, request: Json) =>
    client().call(`${SERVICE}/GetTransfer`, request, actingAs(user));

  test(`a transfer keeps its reference and labels, for its payer alone, over ${over}`, async () => {
    const given = {
      reference: `order-${over}`,
      labels: [label('shop', '서울 1호점'), label('a/b.c_d-e', 'x=y,"z"\\')],
    };
    const paid = await pay(given, withKey(anna, `first-${over}`));
    assert.equal(paid.status, 0, paid.reason);
    const transfer = transferOf(paid);
    assert.deepEqual(attached(transfer), given);
    const transfer_id = String(transfer.transfer_id);
    for (const request of [{ transfer_id }, { reference: given.reference }])
      assert.deepEqual(transferOf(await get(anna, request)), transfer);
    // To the other side, and to others, there is neither of them.
    assert.deepEqual(attached(transferOf(await get(bo, { transfer_id }))), NONE);
    for (const user of [bo, cho])
      expectRefusal(await get(user, { reference: given.reference }), 'ERR005', 'TRANSFER_NOT_FOUND', [
        'reference',
      ]);
    const again = await pay(given, withKey(anna, `first-${over}`));
    assert.deepEqual(transferOf(again), transfer);
    const other = await pay({ ...given, labels: [] }, withKey(anna, `first-${over}`));
    expectRefusal(other, 'ERR006', 'IDEMPOTENCY_KEY_REUSED', ['idempotency-key']);
  });

  test(`a reference is given once by each user, and compared byte by byte, over ${over}`, async () => {
    const first = transferOf(await pay({ reference: 'invoice-7' }));
    const balance = await stack.as(anna).balance();
    for (const name of ['Deposit', 'Withdraw']) {
      const request = { wallet_id: wallet, amount: won(1), reference: 'invoice-7' };
      expectRefusal(await call(anna, name, request), 'ERR006', 'REFERENCE_REUSED', ['reference']);
    }
    const refused = await pay({ reference: 'invoice-7', amount: won(99) });
    expectRefusal(refused, 'ERR006', 'REFERENCE_REUSED', ['reference']);
    assert.equal(refused.metadata.transfer_id, first.transfer_id);
    assert.equal(await stack.as(anna).balance(), balance);
    for (const reference of ['Invoice-7', 'invoice-70', 'invoice-'])
      assert.equal((await pay({ reference })).status, 0, reference);
    const deposit = { wallet_id: await stack.as(bo).defaultWallet(), amount: won(1), reference: 'invoice-7' };
    const ofBo = transferOf(await call(bo, 'Deposit', deposit));
    assert.equal(transferOf(await get(bo, { reference: 'invoice-7' })).transfer_id, ofBo.transfer_id);
    assert.equal(transferOf(await get(anna, { reference: 'invoice-7' })).transfer_id, first.transfer_id);
  });

  test(`calls that give one reference at the same time: one of them does, over ${over}`, async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => pay({ reference: 'only-one' })));
    const [done, ...more] = answers.filter(({ status }) => status === 0);
    assert.ok(done && more.length === 0);
    for (const answer of answers.filter(({ status }) => status !== 0)) {
      expectRefusal(answer, 'ERR006', 'REFERENCE_REUSED', ['reference']);
      assert.equal(answer.metadata.transfer_id, transferOf(done).transfer_id);
    }
  });

  test(`the items of a batch have references and labels of their own, over ${over}`, async () => {
    const items = [
      payment({ reference: 'salary-1', labels: [label('month', '2026-11')] }),
      payment({ reference: 'salary-1' }),
      payment({ labels: [label('month', '2026-12')] }),
    ];
    const key = withKey(anna, `batch-${over}`);
    const all = await call(anna, 'BatchCreateTransfers', { items, mode: 'BATCH_MODE_ALL_OR_NOTHING' });
    expectRefusal(all, 'ERR006', 'REFERENCE_REUSED', ['items[1].reference']);
    for (let time = 0; time < 2; time++) {
      const each = await call(anna, 'BatchCreateTransfers', { items, mode: 'BATCH_MODE_EACH' }, key);
      const results = each.list('results').map(({ posted, refused }) => {
        if (refused) return `${(refused as Json).reason} ${(refused as Json).field}`;
        return attached((posted as Json).transfer as Json);
      });
      assert.deepEqual(results, [
        { reference: 'salary-1', labels: [label('month', '2026-11')] },
        'REFERENCE_REUSED items[1].reference',
        { reference: '', labels: [label('month', '2026-12')] },
      ]);
    }
    const outcome = await client().call(
      `${SERVICE}/GetOutcome`,
      { idempotency_key: `batch-${over}` },
      actingAs(anna),
    );
    const [result = {}] = (outcome.body.answer as Json).results as Json[];
    assert.equal(((result.posted as Json).transfer as Json).reference, 'salary-1');
  });

  test(`wallets, holds and payouts have references and labels of their own, over ${over}`, async () => {
    const given = { reference: 'trip-1', labels: [label('project', '제주도')] };
    const things: readonly (readonly [service: string, name: string, request: Json])[] = [
      ['WalletService', 'Wallet', { currency_code: 'USD', display_name: 'Trip' }],
      ['HoldService', 'Hold', { wallet_id: wallet, amount: won(10), credit_user_id: String(bo) }],
      ['PayoutService', 'Payout', { wallet_id: wallet, mode: 'PAYOUT_MODE_EACH' }],
    ];
    // One reference for each kind of thing.
    assert.equal((await pay({ reference: given.reference })).status, 0);
    for (const [service, name, request] of things) {
      const rpc = (verb: string) => `wallet.v2.${service}/${verb}${name}`;
      const thing = name.toLowerCase();
      const [idName, identity] = [`${thing}_id`, withKey(anna)];
      const create = (more: Json, by = identity) => client().call(rpc('Create'), { ...request, ...more }, by);
      const find = (user: number, by: Json) => client().call(rpc('Get'), by, actingAs(user));
      const made = await create(given);
      assert.equal(made.status, 0, made.reason);
      const id = String(made.at(thing, idName));
      for (const answer of [
        made,
        await create(given),
        await find(anna, { [idName]: id }),
        await find(anna, { reference: 'trip-1' }),
      ])
        assert.deepEqual(
          { ...attached(answer.body[thing] as Json), id: answer.at(thing, idName) },
          { ...given, id },
        );
      const reused = await create({ reference: 'trip-1' }, withKey(anna));
      expectRefusal(reused, 'ERR006', 'REFERENCE_REUSED', ['reference']);
      assert.equal(reused.metadata[idName], id);
      const many = Array.from({ length: 21 }, (_one, index) => label(`k${index}`, 'v'));
      expectRefusal(await create({ labels: many }, withKey(anna)), 'ERR001', 'INVALID_FIELD', ['labels']);
      expectRefusal(await find(bo, { reference: 'trip-1' }), 'ERR005', `${name.toUpperCase()}_NOT_FOUND`, [
        'reference',
      ]);
      assert.deepEqual(attached((await create({}, withKey(anna))).body[thing] as Json), NONE);
    }
    const listed = await client().call('wallet.v2.WalletService/ListWallets', {}, actingAs(anna));
    assert.deepEqual(listed.list('wallets').map(attached), [NONE, given, NONE]);
  });

  test(`a hold's receiver sees its money and not its labels, over ${over}`, async () => {
    const given = { reference: 'taxi-1', labels: [label('ride', 'night')] };
    const hold = { wallet_id: wallet, amount: won(10), credit_user_id: String(bo), ...given };
    const holds = (user: number, name: string, request: Json, identity = withKey(user)) =>
      client().call(`wallet.v2.HoldService/${name}`, request, identity);
    const hold_id = String((await holds(anna, 'CreateHold', hold)).at('hold', 'hold_id'));
    const captured = await holds(bo, 'CaptureHold', { hold_id, amount: won(4) });
    assert.deepEqual(attached(captured.body.hold as Json), NONE);
    assert.deepEqual(
      attached((await holds(bo, 'GetHold', { hold_id }, actingAs(bo))).body.hold as Json),
      NONE,
    );
    const voided = await holds(anna, 'VoidHold', { hold_id });
    assert.deepEqual(attached(voided.body.hold as Json), given);
    const [newest = {}] = (await holds(anna, 'ListHolds', { wallet_id: wallet }, actingAs(anna))).list(
      'holds',
    );
    assert.deepEqual(attached(newest), given);
  });

  test(`a gift and the transfer that fills it have both, for its sender alone, over ${over}`, async () => {
    const given = { reference: 'birthday-1', labels: [label('occasion', '생일')] };
    const gift = { amount: won(10), credit_user_id: String(bo), ...given };
    const gifts = (user: number, name: string, request: Json, identity = withKey(user)) =>
      client().call(`wallet.v2.GiftService/${name}`, request, identity);
    const gift_id = String((await gifts(anna, 'CreateGift', gift)).at('gift', 'gift_id'));
    const accepted = await gifts(bo, 'AcceptGift', { gift_id });
    assert.equal(accepted.at('gift', 'state'), 'GIFT_STATE_ACCEPTED');
    assert.deepEqual(attached(accepted.body.gift as Json), NONE);
    assert.deepEqual(attached(transferOf(accepted)), NONE);
    for (const by of [{ gift_id }, { reference: 'birthday-1' }]) {
      const found = await gifts(anna, 'GetGift', by, actingAs(anna));
      assert.deepEqual(
        { ...attached(found.body.gift as Json), id: found.at('gift', 'gift_id') },
        { ...given, id: gift_id },
      );
    }
    expectRefusal(
      await gifts(bo, 'GetGift', { reference: 'birthday-1' }, actingAs(bo)),
      'ERR005',
      'GIFT_NOT_FOUND',
      ['reference'],
    );
    const filling = transferOf(await get(anna, { reference: 'birthday-1' }));
    assert.deepEqual(
      [filling.kind, filling.gift_id, attached(filling)],
      ['TRANSFER_KIND_GIFT', gift_id, given],
    );
    for (const filter of [{ reference: 'birthday-1' }, { label_key: 'occasion', label_value: '생일' }])
      assert.deepEqual(idsOf(await listOf(anna, wallet)(filter)), [filling.transfer_id]);
    const again = await gifts(anna, 'CreateGift', { ...gift, labels: [] });
    expectRefusal(again, 'ERR006', 'REFERENCE_REUSED', ['reference']);
    assert.equal(again.metadata.gift_id, gift_id);
    // Its transfer has it too, and of transfers it is the only one.
    const transfer = await pay({ reference: 'birthday-1' });
    expectRefusal(transfer, 'ERR006', 'REFERENCE_REUSED', ['reference']);
    assert.equal(transfer.metadata.transfer_id, filling.transfer_id);
    const paid = transferOf(await pay({ reference: 'birthday-2' }));
    const taken = await gifts(anna, 'CreateGift', { ...gift, reference: 'birthday-2' });
    expectRefusal(taken, 'ERR006', 'REFERENCE_REUSED', ['reference']);
    assert.equal(taken.metadata.transfer_id, paid.transfer_id);
    const many = Array.from({ length: 21 }, (_one, index) => label(`k${index}`, 'v'));
    expectRefusal(await gifts(anna, 'CreateGift', { ...gift, labels: many }), 'ERR001', 'INVALID_FIELD', [
      'labels',
    ]);
  });

  test(`what may not be a reference or label is refused by name, over ${over}`, async () => {
    const many = Array.from({ length: 21 }, (_one, index) => label(`k${index}`, 'v'));
    const cases: readonly (readonly [Json, string])[] = [
      [{ reference: 'r'.repeat(129) }, 'reference'],
      [{ reference: 'two words' }, 'reference'],
      [{ reference: 'tab\t' }, 'reference'],
      // A look-alike: Cyrillic.
      [{ reference: 'оrder-1' }, 'reference'],
      [{ labels: many }, 'labels'],
      [{ labels: [label('a', '1'), label('b', '2'), label('a', '3')] }, 'labels'],
      [{ labels: [label('', 'v')] }, 'labels[0].key'],
      [{ labels: [label('k'.repeat(1024), 'v')] }, 'labels[0].key'],
      [{ labels: [label('k'.repeat(65), 'v')] }, 'labels[0].key'],
      [{ labels: [label('ﬁ', 'v')] }, 'labels[0].key'],
      [{ labels: [label('a', 'v'), label('-b', 'v')] }, 'labels[1].key'],
      [{ labels: [label('a', '')] }, 'labels[0].value'],
      [{ labels: [label('a', 'line\nbreak')] }, 'labels[0].value'],
      [{ labels: [label('a', 'zero\u200bwidth')] }, 'labels[0].value'],
      [{ labels: [label('a', '한'.repeat(86))] }, 'labels[0].value'],
    ];
    for (const [more, field] of cases) expectRefusal(await pay(more), 'ERR001', 'INVALID_FIELD', [field]);
    assert.equal((await pay({ labels: many.slice(1) })).status, 0);
    assert.equal(
      (await pay({ reference: '~'.repeat(128), labels: [label('k'.repeat(64), '한'.repeat(85))] })).status,
      0,
    );
    // One letter in two ways of Unicode: two values.
    const twice = { labels: [label('composed', '\u00e9'), label('decomposed', 'e\u0301')] };
    assert.deepEqual(transferOf(await pay(twice)).labels, twice.labels);
    const item = payment({ labels: many.slice(1) });
    const items = Array.from({ length: 251 }, () => item);
    const batch = await call(anna, 'BatchCreateTransfers', { items, mode: 'BATCH_MODE_EACH' });
    expectRefusal(batch, 'ERR001', 'INVALID_FIELD', ['items']);
    for (const [request, field] of [
      [{}, 'transfer_id'],
      [{ transfer_id: '00000000-0000-7000-8000-000000000000', reference: 'r' }, 'reference'],
      [{ transfer_id: 'r' }, 'transfer_id'],
    ] as const) {
      // In the path of REST there is no room for both.
      if (over === 'gRPC') expectRefusal(await get(anna, request), 'ERR001', 'INVALID_FIELD', [field]);
    }
  });

  test(`transactions are listed by reference, label, counterparty and amount, over ${over}`, async () => {
    const shop = first + 9;
    await stack.addUsers([shop]);
    await stack.fund([shop], 1000);
    const wallet_id = await stack.as(shop).defaultWallet();
    const day = [label('day', '한글날')];
    const made: string[] = [];
    for (const [to, amount, more] of [
      [bo, 10, { labels: day }],
      [cho, 20, { reference: 'to-cho' }],
      [bo, 30, { labels: day }],
      [bo, 40, {}],
    ] as const) {
      const request = {
        debit_wallet_id: wallet_id,
        credit_user_id: String(to),
        amount: won(amount),
        ...more,
      };
      made.push(String(transferOf(await call(shop, 'CreateTransfer', request)).transfer_id));
    }
    const list = listOf(shop, wallet_id);
    const [ten, twenty, thirty, forty] = made;
    const labeled = { label_key: 'day', label_value: '한글날' };
    const boWallet = await stack.as(bo).defaultWallet();
    const cases: readonly (readonly [Json, (string | undefined)[]])[] = [
      [{ reference: 'to-cho' }, [twenty]],
      [{ reference: 'to-cho', minor_units_from: '21' }, []],
      [{ reference: 'To-cho' }, []],
      [labeled, [thirty, ten]],
      [{ ...labeled, minor_units_to: '29' }, [ten]],
      [{ ...labeled, label_value: '한글날 ' }, []],
      [{ counterparty_user_id: String(bo) }, [forty, thirty, ten]],
      [{ counterparty_wallet_id: boWallet.toUpperCase(), minor_units_from: '30' }, [forty, thirty]],
      [{ counterparty_wallet_id: boWallet, counterparty_user_id: String(cho) }, []],
      [{ minor_units_from: '20', minor_units_to: '30' }, [thirty, twenty]],
      [{ minor_units_to: '30', kinds: ['TRANSFER_KIND_TRANSFER'] }, [thirty, twenty, ten]],
      [{ counterparty_user_id: String(shop + 1) }, []],
    ];
    for (const [filter, expected] of cases) {
      const answer = await list(filter);
      assert.deepEqual([idsOf(answer), answer.body.next_page_token], [expected, ''], JSON.stringify(filter));
    }
  });

  test(`labels are the user's own in lists, and page tokens belong to their filters, over ${over}`, async () => {
    const shop = first + 8;
    await stack.addUsers([shop]);
    await stack.fund([shop], 1000);
    const wallet_id = await stack.as(shop).defaultWallet();
    const labels = [label('day', '한글날 1+1')];
    const labeled = { label_key: 'day', label_value: '한글날 1+1' };
    const pays = { debit_wallet_id: wallet_id, credit_user_id: String(bo), amount: won(1), labels };
    const ids: unknown[] = [];
    for (let count = 0; count < 2; count++)
      ids.unshift(transferOf(await call(shop, 'CreateTransfer', pays)).transfer_id);
    const list = listOf(shop, wallet_id);
    const boWallet = await stack.as(bo).defaultWallet();
    assert.deepEqual(idsOf(await listOf(bo, boWallet)(labeled)), []);
    const page = await list({ ...labeled, page_size: 1 });
    const page_token = String(page.body.next_page_token);
    assert.deepEqual([...idsOf(page), ...idsOf(await list({ ...labeled, page_size: 1, page_token }))], ids);
    for (const other of [{}, { ...labeled, label_value: 'x' }, { ...labeled, minor_units_from: '1' }])
      expectRefusal(await list({ ...other, page_token }), 'ERR001', 'INVALID_PAGE_TOKEN', ['page_token']);
    const wrong: readonly (readonly [Json, string])[] = [
      [{ label_key: 'day' }, 'label_value'],
      [{ label_value: 'x' }, 'label_key'],
      [{ label_key: 'not a key', label_value: 'x' }, 'label_key'],
      [{ label_key: 'day', label_value: 'a\u0000b' }, 'label_value'],
      [{ reference: 'two words' }, 'reference'],
      [{ counterparty_wallet_id: 'bo' }, 'counterparty_wallet_id'],
      [{ counterparty_user_id: '-1' }, 'counterparty_user_id'],
      [{ minor_units_from: '-1' }, 'minor_units_from'],
      [{ minor_units_from: '30', minor_units_to: '20' }, 'minor_units_to'],
    ];
    for (const [filter, field] of wrong)
      expectRefusal(await list(filter), 'ERR001', 'INVALID_FIELD', [field]);
  });
}
