// Many transfers in one call, over gRPC and REST: all of them or none, or each for itself, and the same answer again.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { actingAs, withKey, won } from '../api.ts';
import { type Answer, type ApiClient, type Json, signedLater } from '../api-client.ts';
import { withoutEdge } from '../skip.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const BATCH = 'wallet.v2.TransferService/BatchCreateTransfers';
const NO_ID = '00000000-0000-4000-8000-000000000000';
let stack: Stack;
before(async () => {
  stack = await startStack({ edge: !withoutEdge });
});
after(() => stack.stop());

/** A digest of all that a refused call could have written. */
async function everything(): Promise<string> {
  const { rows } = await stack.db.query(`SELECT concat_ws('/', (SELECT count(*) FROM transfers),
    (SELECT count(outcome) FROM idempotency_keys), (SELECT sum(version) FROM accounts)) AS digest`);
  return rows[0].digest;
}

/** What became of each item: the balance after it, or the reason with the field. */
function resultsOf(answer: Answer): string[] {
  return answer.list('results').map(({ posted, refused }) => {
    if (posted) return String(((posted as Json).balance as Json).minor_units);
    const { code, reason, field } = refused as Json;
    return `${code} ${reason} ${field}`;
  });
}

const ways: readonly { over: string; first: number; client: () => ApiClient; other: () => ApiClient }[] = [
  {
    over: 'gRPC',
    first: 4300,
    client: () => stack.grpc,
    other: () => (withoutEdge ? stack.grpc : stack.rest),
  },
  ...(withoutEdge ? [] : [{ over: 'REST', first: 4400, client: () => stack.rest, other: () => stack.grpc }]),
];

for (const { over, first, client, other } of ways) {
  const [anna, bo, cho] = [first + 1, first + 2, first + 3];
  let wallet: string;
  let boWallet: string;
  const call = (request: Json, identity = withKey(anna)) => client().call(BATCH, request, identity);
  const toBo = (amount: number) => ({
    debit_wallet_id: wallet,
    credit_wallet_id: boWallet,
    amount: won(amount),
  });
  const toUser = (user: number, amount: number) => ({
    debit_wallet_id: wallet,
    credit_user_id: String(user),
    amount: won(amount),
  });
  const mixed = () => [
    toBo(100),
    toUser(999_999, 1),
    { ...toBo(1), credit_wallet_id: wallet },
    toUser(cho, 300),
    toBo(1_000_000),
    { ...toBo(1), amount: { currency_code: 'USD', minor_units: '1' } },
    { ...toBo(1), debit_wallet_id: boWallet, credit_wallet_id: wallet },
    { ...toBo(50), memo: 'Rent <"\\{}"> 🍚' },
  ];

  test(`all or nothing: posted in the order of the items, each with its balance, over ${over}`, async () => {
    await stack.addUsers([anna, bo, cho]);
    await stack.fund([anna], 10_000);
    [wallet, boWallet] = [await stack.as(anna).defaultWallet(), await stack.as(bo).defaultWallet()];
    const items = [toBo(1000), toUser(cho, 2000), { ...toBo(3000), memo: 'Rent' }];
    const identity = withKey(anna);
    const answer = await call({ items, mode: 'BATCH_MODE_ALL_OR_NOTHING' }, identity);
    assert.deepEqual(resultsOf(answer), ['9000', '7000', '4000']);
    assert.deepEqual(
      [await stack.as(anna).balance(), await stack.as(bo).balance(), await stack.as(cho).balance()],
      [4000, 4000, 2000],
    );
    for (const result of answer.list('results')) {
      const sent = (result.posted as Json).transfer as Json;
      const request = { transfer_id: sent.transfer_id ?? '' };
      const seen = await client().call('wallet.v2.TransferService/GetTransfer', request, actingAs(bo));
      // The other side sees all of it but the key that signed.
      if (sent.credit_user_id === String(bo)) assert.deepEqual(seen.body.transfer, { ...sent, key_id: '' });
      else assert.equal(seen.reason, 'TRANSFER_NOT_FOUND');
    }
    const again = await other().call(BATCH, { items, mode: 'BATCH_MODE_ALL_OR_NOTHING' }, identity);
    assert.deepEqual(again.body, answer.body, 'the same answer, over the other transport too');
    assert.equal(await stack.as(anna).balance(), 4000);
    const changed = await call({ items: items.slice(1), mode: 'BATCH_MODE_ALL_OR_NOTHING' }, identity);
    assert.equal(changed.reason, 'IDEMPOTENCY_KEY_REUSED');
  });

  test(`all or nothing: one refused item refuses the call, is named, and nothing moves, over ${over}`, async () => {
    const written = await everything();
    const refusals: [Json, string, string][] = [
      [toUser(999_999, 1), 'USER_NOT_FOUND', 'items[1].credit_user_id'],
      [{ ...toBo(1), credit_wallet_id: NO_ID }, 'WALLET_NOT_FOUND', 'items[1].credit_wallet_id'],
      [{ ...toBo(1), debit_wallet_id: boWallet }, 'WALLET_NOT_FOUND', 'items[1].debit_wallet_id'],
      [{ ...toBo(1), credit_wallet_id: wallet }, 'SELF_TRANSFER', 'items[1].credit_wallet_id'],
      [
        { ...toBo(1), amount: { currency_code: 'USD', minor_units: '1' } },
        'CURRENCY_MISMATCH',
        'items[1].amount.currency_code',
      ],
      [toBo(3901), 'BALANCE_TOO_LOW', 'items[1]'],
    ];
    for (const [bad, reason, field] of refusals) {
      const identity = withKey(anna);
      const items = [toBo(100), bad, toBo(1)];
      const answer = await call({ items, mode: 'BATCH_MODE_ALL_OR_NOTHING' }, identity);
      assert.deepEqual([answer.reason, answer.fields], [reason, [field]]);
    }
    assert.equal(await everything(), written);
    // The guard is the mode: the very same items, each for itself, do move money.
    const [bad] = refusals[5] ?? [];
    const items = [toBo(100), bad ?? {}, toBo(1)];
    const answer = await call({ items, mode: 'BATCH_MODE_EACH' });
    assert.deepEqual(resultsOf(answer), ['3900', 'ERR006 BALANCE_TOO_LOW items[1]', '3899']);
    assert.notEqual(await everything(), written);
  });

  test(`a call that was refused can be made again under its key, over ${over}`, async () => {
    const identity = withKey(anna);
    const request = { items: [toBo(3000), toBo(1000)], mode: 'BATCH_MODE_ALL_OR_NOTHING' };
    assert.deepEqual((await call(request, identity)).fields, ['items[1]']);
    await stack.fund([anna], 101);
    // Within the second in which the refused attempt was signed it is told to come again: it may be an earlier one.
    assert.deepEqual(resultsOf(await signedLater(() => call(request, identity))), ['1000', '0']);
  });

  test(`each for itself: the refused leave no trace, the others are posted, over ${over}`, async () => {
    await stack.fund([anna], 1000);
    const identity = withKey(anna);
    const request = { items: mixed(), mode: 'BATCH_MODE_EACH' };
    const answer = await call(request, identity);
    assert.deepEqual(resultsOf(answer), [
      '900',
      'ERR005 USER_NOT_FOUND items[1].credit_user_id',
      'ERR001 SELF_TRANSFER items[2].credit_wallet_id',
      '600',
      'ERR006 BALANCE_TOO_LOW items[4]',
      'ERR001 CURRENCY_MISMATCH items[5].amount.currency_code',
      'ERR005 WALLET_NOT_FOUND items[6].debit_wallet_id',
      '550',
    ]);
    const told = answer.list('results').map(({ refused }) => (refused as Json | undefined)?.message);
    assert.equal(told[4], 'the balance is too low');
    assert.equal(await stack.as(anna).balance(), 550);
    await stack.fund([anna], 1_000_000);
    const again = await other().call(BATCH, request, identity);
    assert.deepEqual(again.body, answer.body, 'also what was refused for now stays refused under this key');
    assert.equal(await stack.as(anna).balance(), 1_000_550);
  });

  test(`each for itself: the answer is kept also where every item was refused, over ${over}`, async () => {
    const identity = withKey(cho);
    const choWallet = await stack.as(cho).defaultWallet();
    const items = [{ debit_wallet_id: choWallet, credit_user_id: String(bo), amount: won(100_000) }];
    const answer = await call({ items, mode: 'BATCH_MODE_EACH' }, identity);
    assert.deepEqual(resultsOf(answer), ['ERR006 BALANCE_TOO_LOW items[0]']);
    await stack.fund([cho], 100_000);
    const again = await other().call(BATCH, { items, mode: 'BATCH_MODE_EACH' }, identity);
    assert.deepEqual(again.body, answer.body);
    const newer = await call({ items, mode: 'BATCH_MODE_EACH' }, withKey(cho));
    assert.match(resultsOf(newer)[0] ?? '', /^\d+$/);
  });

  test(`what breaks the contract refuses the call in either mode, over ${over}`, async () => {
    const written = await everything();
    const many = (count: number, item: Json) => Array.from({ length: count }, () => item);
    const bad: [Json, string, string[]][] = [
      [{ items: [] }, 'INVALID_FIELD', ['items']],
      [{ items: many(1001, toBo(1)) }, 'INVALID_FIELD', ['items']],
      [
        { items: [toBo(1), { ...toBo(1), debit_wallet_id: 'mine' }] },
        'INVALID_FIELD',
        ['items[1].debit_wallet_id'],
      ],
      [{ items: [toBo(1), toBo(0)] }, 'INVALID_FIELD', ['items[1].amount']],
      [{ items: [{ debit_wallet_id: wallet, amount: won(1) }] }, 'INVALID_FIELD', ['items[0].destination']],
      [
        { items: [toBo(1), { ...toBo(1), amount: { currency_code: 'ABC', minor_units: '1' } }] },
        'UNKNOWN_CURRENCY',
        ['items[1].amount.currency_code'],
      ],
    ];
    for (const mode of ['BATCH_MODE_ALL_OR_NOTHING', 'BATCH_MODE_EACH']) {
      for (const [request, reason, fields] of bad) {
        const answer = await call({ ...request, mode });
        assert.deepEqual([answer.code, answer.reason, answer.fields], ['ERR001', reason, fields]);
      }
    }
    assert.deepEqual((await call({ items: [toBo(1)] })).fields, ['mode']);
    const wrongAllOver = await call({ items: many(1000, toBo(0)), mode: 'BATCH_MODE_EACH' });
    assert.equal(wrongAllOver.reason, 'INVALID_FIELD');
    assert.equal(wrongAllOver.fields.length, 20, 'so many are named that they fit into the headers');
    assert.equal(await everything(), written);
  });

  test(`a thousand that are as large as can be go through, and are logged one by one, over ${over}`, async () => {
    // The first are close to the 1 MiB that the edge takes, the second grow to six times that in the JSON on the way out.
    for (const memo of ['🍚', '<']) {
      const items = Array.from({ length: 1000 }, () => ({ ...toUser(bo, 1), memo: memo.repeat(200) }));
      const request = { items, mode: 'BATCH_MODE_ALL_OR_NOTHING' };
      const identity = withKey(anna);
      const before = await stack.as(anna).balance();
      const answer = await call(request, identity);
      assert.equal(answer.status, 0, answer.reason);
      assert.equal(resultsOf(answer).at(-1), String(before - 1000));
      assert.deepEqual((await other().call(BATCH, request, identity)).body, answer.body);
      const [last] = answer.list('results').slice(-1);
      const lastId = String(((last?.posted as Json | undefined)?.transfer as Json | undefined)?.transfer_id);
      await until('the log has the last one', () =>
        readFileSync(join(stack.logDir, 'transactions.log'), 'utf8').includes(lastId),
      );
    }
  });
}
