// What only v2 can: wallets in several currencies, balances as they were, filters, and every transfer by its id.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { actingAs, expectRefusal, uniqueUsers, withKey } from '../api.ts';
import type { Answer, ApiClient, Json } from '../api-client.ts';
import { type Stack, startStack } from '../stack.ts';

let stack: Stack;
before(async () => {
  stack = await startStack({ edge: true });
});
after(() => stack.stop());

const usd = (minor_units: number) => ({ currency_code: 'USD', minor_units: String(minor_units) });

const ways = [
  { over: 'gRPC', client: () => stack.grpc },
  { over: 'REST', client: () => stack.rest },
] as const;

for (const { over, client } of ways) {
  const call = (...args: Parameters<ApiClient['call']>) => client().call(...args);
  const open = async (user: number, identity = withKey(user)) => {
    const request = { currency_code: 'USD', display_name: 'Dollars' };
    return call('wallet.v2.WalletService/CreateWallet', request, identity);
  };

  /** Users of one test, of whom the first two have a wallet in dollars each, and a room of these two. */
  const createPeople = async () => {
    const [anna = 0, bo = 0, stranger = 0] = uniqueUsers(3);
    const room = `room-${anna}`;
    await stack.addUsers([anna, bo, stranger]);
    await stack.addRoom(room, [anna, bo]);
    const [annaUsd, boUsd] = await Promise.all(
      [anna, bo].map(async (user) => String((await open(user)).at('wallet', 'wallet_id'))),
    );
    return { anna, bo, stranger, room, annaUsd: String(annaUsd), boUsd: String(boUsd) };
  };

  /** The same after a deposit of 100 dollars, a transfer of 25 to the second and a withdrawal of 5. */
  const createHistory = async () => {
    const people = await createPeople();
    const { anna, annaUsd, boUsd } = people;
    const move = (method: string, request: Json) =>
      call(`wallet.v2.TransferService/${method}`, request, withKey(anna));
    const deposited = await move('Deposit', { wallet_id: annaUsd, amount: usd(10_000), memo: 'Salary' });
    const moved = await move('CreateTransfer', {
      debit_wallet_id: annaUsd,
      credit_wallet_id: boUsd,
      amount: usd(2_500),
      memo: 'Lunch "\\{}" 🍚',
    });
    const withdrawn = await move('Withdraw', { wallet_id: annaUsd, amount: usd(500) });
    return { ...people, deposited, moved, withdrawn, sent: moved.body.transfer as Json };
  };

  test(`a wallet in dollars is opened, and a retry opens no second one, over ${over}`, async () => {
    const [anna = 0] = uniqueUsers(1);
    await stack.addUsers([anna]);
    const identity = withKey(anna);
    const made = await open(anna, identity);
    assert.deepEqual((await open(anna, identity)).body, made.body);
    const annaUsd = String(made.at('wallet', 'wallet_id'));
    const wallets = (await call('wallet.v2.WalletService/ListWallets', {}, actingAs(anna))).list('wallets');
    assert.deepEqual(
      wallets.map(({ currency_code, is_default }) => [currency_code, is_default]),
      [
        ['KRW', true],
        ['USD', false],
      ],
    );
    const page1 = await call('wallet.v2.WalletService/ListWallets', { page_size: 1 }, actingAs(anna));
    const page_token = String(page1.body.next_page_token);
    const page2 = await call(
      'wallet.v2.WalletService/ListWallets',
      { page_size: 1, page_token },
      actingAs(anna),
    );
    assert.equal(page2.list('wallets')[0]?.wallet_id, annaUsd);
  });

  test(`money comes in, moves and goes out; each answer shows the balance, over ${over}`, async () => {
    const { deposited, moved, withdrawn, sent } = await createHistory();
    assert.equal(deposited.at('balance', 'minor_units'), '10000');
    assert.equal(moved.at('balance', 'minor_units'), '7500');
    assert.equal(sent.memo, 'Lunch "\\{}" 🍚');
    assert.equal(sent.key_id, stack.key.keyId);
    assert.equal(deposited.at('transfer', 'key_id'), stack.key.keyId);
    assert.equal(withdrawn.at('balance', 'minor_units'), '7000');
    assert.equal(withdrawn.at('transfer', 'credit_wallet_id'), '');
  });

  test(`a transfer is shown to both sides and to nobody else, over ${over}`, async () => {
    const { anna, bo, stranger, sent } = await createHistory();
    const request = { transfer_id: sent.transfer_id ?? '' };
    for (const user of [anna, bo]) {
      const seen = await call('wallet.v2.TransferService/GetTransfer', request, actingAs(user));
      // The key that signed is the business of the side that signed.
      const key_id = user === anna ? stack.key.keyId : '';
      assert.deepEqual(seen.body.transfer, { ...sent, key_id });
    }
    const hidden = await call('wallet.v2.TransferService/GetTransfer', request, actingAs(stranger));
    expectRefusal(hidden, 'ERR005', 'TRANSFER_NOT_FOUND', ['transfer_id']);
    const none = { transfer_id: crypto.randomUUID() };
    const unknown = await call('wallet.v2.TransferService/GetTransfer', none, actingAs(stranger));
    assert.deepEqual([unknown.reason, unknown.fields], [hidden.reason, hidden.fields]);
  });

  test(`a balance can be asked as it was, over ${over}`, async () => {
    const { anna, annaUsd, sent } = await createHistory();
    const as_of = String(sent.created_at);
    const then = await call(
      'wallet.v2.WalletService/GetBalance',
      { wallet_id: annaUsd, as_of },
      actingAs(anna),
    );
    assert.equal(then.at('balance', 'minor_units'), '7500');
    const before = { wallet_id: annaUsd, as_of: '2020-01-01T00:00:00Z' };
    const nothing = await call('wallet.v2.WalletService/GetBalance', before, actingAs(anna));
    assert.equal(nothing.at('balance', 'minor_units'), '0');
    const now = await call('wallet.v2.WalletService/GetWallet', { wallet_id: annaUsd }, actingAs(anna));
    assert.equal(now.at('wallet', 'balance', 'minor_units'), '7000');
  });

  test(`many balances come in the order asked; one that is not mine is named, over ${over}`, async () => {
    const { anna, annaUsd, boUsd } = await createPeople();
    const annaKrw = await stack.as(anna).defaultWallet();
    const rpc = 'wallet.v2.WalletService/BatchGetBalances';
    const mine = await call(rpc, { wallet_ids: [annaUsd, annaKrw] }, actingAs(anna));
    assert.deepEqual(
      mine.list('balances').map(({ wallet_id }) => wallet_id),
      [annaUsd, annaKrw],
    );
    const mixed = await call(rpc, { wallet_ids: [annaUsd, boUsd] }, actingAs(anna));
    expectRefusal(mixed, 'ERR005', 'WALLET_NOT_FOUND', ['wallet_ids[1]']);
  });

  test(`a history can be filtered and read page by page, over ${over}`, async () => {
    const { anna, annaUsd, sent } = await createHistory();
    const list = (request: Json) =>
      call('wallet.v2.WalletService/ListTransactions', { wallet_id: annaUsd, ...request }, actingAs(anna));
    const kindsOf = (answer: Answer) =>
      answer.list('transactions').map(({ transfer }) => (transfer as Json).kind);
    assert.deepEqual(kindsOf(await list({})), [
      'TRANSFER_KIND_WITHDRAWAL',
      'TRANSFER_KIND_TRANSFER',
      'TRANSFER_KIND_DEPOSIT',
    ]);
    const ins = await list({ kinds: ['TRANSFER_KIND_DEPOSIT'] });
    assert.deepEqual(kindsOf(ins), ['TRANSFER_KIND_DEPOSIT']);
    assert.equal(ins.list('transactions')[0]?.direction, 'DIRECTION_IN');
    const created = String(sent.created_at);
    assert.deepEqual(kindsOf(await list({ created_before: created })), ['TRANSFER_KIND_DEPOSIT']);
    assert.equal(kindsOf(await list({ created_from: created })).length, 2);

    const seen: unknown[] = [];
    let page_token = '';
    do {
      const page = await list({ page_size: 1, page_token });
      seen.push(...kindsOf(page));
      page_token = String(page.body.next_page_token);
    } while (page_token !== '');
    assert.equal(seen.length, 3);
    const token = String((await list({ page_size: 1 })).body.next_page_token);
    expectRefusal(
      await list({ page_token: token, kinds: ['TRANSFER_KIND_DEPOSIT'] }),
      'ERR001',
      'INVALID_PAGE_TOKEN',
      ['page_token'],
    );
  });

  test(`a sprinkle in dollars is claimed into a dollar wallet, over ${over}`, async () => {
    const { anna, bo, room, annaUsd, boUsd } = await createHistory();
    const request = { room_id: room, wallet_id: annaUsd, amount: usd(300), headcount: 1 };
    const made = await call('wallet.v2.SprinkleService/CreateSprinkle', request, withKey(anna));
    assert.equal(made.at('balance', 'minor_units'), '6700');
    assert.equal(made.at('sprinkle', 'state'), 'SPRINKLE_STATE_LIVE');
    const token = String(made.at('sprinkle', 'token'));
    const claim = (wallet: Json) =>
      call('wallet.v2.SprinkleService/ClaimSprinkle', { room_id: room, token, ...wallet }, withKey(bo));
    expectRefusal(await claim({}), 'ERR001', 'CURRENCY_MISMATCH', ['wallet_id']);
    const claimed = await claim({ wallet_id: boUsd });
    assert.deepEqual(claimed.body.amount, usd(300));
    assert.equal(claimed.at('balance', 'minor_units'), '2800');
    const own = await call('wallet.v2.SprinkleService/ListSprinkles', { room_id: room }, actingAs(anna));
    assert.deepEqual(
      own.list('sprinkles').map(({ state, claimed_count, claims }) => [state, claimed_count, claims]),
      [['SPRINKLE_STATE_EMPTY', 1, []]],
    );
  });
}
