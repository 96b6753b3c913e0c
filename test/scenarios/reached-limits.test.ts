// A limit that refuses something is told in the feed: once a day, for the user whose limit it is, and for nothing else.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { sealFeed } from '../../src/db/feed/index.ts';
import type { Pool } from '../../src/db/pool.ts';
import { actingAs, uniqueUsers, withKey, won } from '../api.ts';
import type { Json } from '../api-client.ts';
import { noonZone } from '../noon.ts';
import { type Stack, startStack } from '../stack.ts';
import { createTestPool } from '../test-pool.ts';

const TRANSFER = 'wallet.v2.TransferService/CreateTransfer';
const CHECK = 'wallet.v2.TransferService/CheckTransfer';
const BATCH = 'wallet.v2.TransferService/BatchCreateTransfers';
const LIST = 'wallet.v2.EventService/ListEvents';

let stack: Stack;
let worker: Pool;
before(async () => {
  stack = await startStack({ env: { LIMITS_TIME_ZONE: noonZone() } });
  worker = createTestPool(stack.database.workerUrl);
});
after(async () => {
  await worker.end();
  await stack.stop();
});

afterEach(() =>
  stack.grpc.call('admin.v1.LimitService/DeletePolicy', { tier: 'unverified', currency_code: 'KRW' }, {}),
);

/** Two users with a thousand won each, and their limits from now on. */
async function limited(limits: Json): Promise<[anna: number, bo: number]> {
  const [anna = 0, bo = 0] = uniqueUsers(2);
  await stack.addUsers([anna, bo]);
  await stack.fund([anna, bo], 1000);
  const policy = { tier: 'unverified', currency_code: 'KRW', ...limits };
  const { reason } = await stack.grpc.call('admin.v1.LimitService/PutPolicy', { policy }, {});
  assert.equal(reason, '');
  return [anna, bo];
}

/** What a call that pays that much is refused for; nothing where it is not. */
async function refusalOf(from: number, to: number, amount: number, rpc = TRANSFER): Promise<string> {
  const request = {
    debit_wallet_id: await stack.as(from).defaultWallet(),
    credit_user_id: String(to),
    amount: won(amount),
  };
  const { reason, body } = await stack.grpc.call(
    rpc,
    request,
    rpc === CHECK ? actingAs(from) : withKey(from),
  );
  return reason || String((body.refusal as Json | undefined)?.reason ?? '');
}

/** Whose limits were told, and of which kind, while `work` was done. */
async function toldOf(work: () => Promise<void>): Promise<Json[]> {
  await sealFeed(worker);
  const end = await stack.grpc.call(LIST, { after_cursor: 'latest' }, {});
  await work();
  await sealFeed(worker);
  const told = { after_cursor: String(end.body.next_cursor), types: ['limit.reached'], page_size: 100 };
  return (await stack.grpc.call(LIST, told, {})).list('events');
}
const limitOf = ({ limit }: Json) => limit as Json;

test('a limit of the payer that refuses is told once, however often it does', async () => {
  const [anna, bo] = await limited({ day_out: '500', call: '900' });
  const told = await toldOf(async () => {
    const calls = Array.from({ length: 20 }, () => refusalOf(anna, bo, 501));
    assert.deepEqual(new Set(await Promise.all(calls)), new Set(['LIMIT_EXCEEDED']));
    assert.equal(await refusalOf(anna, bo, 500), '');
    assert.equal(await refusalOf(anna, bo, 1), 'LIMIT_EXCEEDED');
  });
  const standing = await stack.grpc.call(
    'wallet.v2.WalletService/GetLimits',
    { currency_code: 'KRW' },
    actingAs(anna),
  );
  const ofDay = standing.list('limits').find(({ kind }) => kind === 'LIMIT_KIND_DAY_OUT');
  assert.deepEqual(
    told.map(({ subject }) => subject),
    [`users/${anna}`],
  );
  assert.deepEqual(told.map(limitOf), [
    {
      ...{ user_id: String(anna), currency_code: 'KRW', kind: 'LIMIT_KIND_DAY_OUT', limit: won(500) },
      ...{ count_limit: '0', resets_at: ofDay?.resets_at },
    },
  ]);
});

test('a limit of the receiver is told of the receiver, where it is the payer who is refused', async () => {
  const [anna, bo] = await limited({ held: '1100' });
  const told = await toldOf(async () => {
    assert.equal(await refusalOf(anna, bo, 101), 'RECEIVER_LIMIT_REACHED');
    assert.equal(await refusalOf(anna, bo, 100), '');
  });
  assert.deepEqual(
    told.map(({ subject }) => subject),
    [`users/${bo}`],
  );
  const { kind, limit, resets_at } = limitOf(told[0] ?? {});
  assert.deepEqual([kind, limit, resets_at], ['LIMIT_KIND_HELD', won(1100), undefined]);
});

test('a line of a batch that is refused is told, too', async () => {
  const [anna, bo] = await limited({ day_count: '2' });
  const item = {
    debit_wallet_id: await stack.as(anna).defaultWallet(),
    credit_user_id: String(bo),
    amount: won(1),
  };
  const told = await toldOf(async () => {
    const batch = { mode: 'BATCH_MODE_EACH', items: Array(4).fill(item) };
    const answer = await stack.grpc.call(BATCH, batch, withKey(anna));
    assert.equal(answer.list('results').filter(({ refused }) => refused).length, 2);
  });
  const { kind, limit, count_limit } = limitOf(told[0] ?? {});
  assert.deepEqual([told.length, kind, limit, count_limit], [1, 'LIMIT_KIND_DAY_COUNT', undefined, '2']);
});

test('nothing is told of a check, of an amount that is too large for one call, and of what is let in', async () => {
  const [anna, bo] = await limited({ day_out: '500', call: '600' });
  const told = await toldOf(async () => {
    assert.equal(await refusalOf(anna, bo, 501, CHECK), 'LIMIT_EXCEEDED');
    assert.equal(await refusalOf(anna, bo, 601), 'LIMIT_EXCEEDED');
    assert.equal(await refusalOf(anna, bo, 500), '');
  });
  assert.deepEqual(told, []);
});

test('on another day it is told again', async () => {
  const tell = (day: number) =>
    stack.db.query(`SELECT announce_reached_limits('{7}', '{KRW}', '{day_out}', '{500}', $1, '{NULL}')`, [
      [day],
    ]);
  const told = await toldOf(async () => {
    for (const day of [1, 1, 2]) await tell(day);
  });
  assert.equal(told.length, 2);
});
