// The first calls after limits came into force: their wallets are counted from transfers, and few of them in one transaction.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { changeUserLimits, putPolicy } from '../../src/db/limits/index.ts';
import { systemCall } from '../../src/domain/batch/command.ts';
import { MAX_AMOUNT } from '../../src/domain/bounds.ts';
import { createTransfer } from '../../src/usecases/commands/create-transfer.ts';
import { deposit } from '../../src/usecases/commands/deposit.ts';
import { withdraw } from '../../src/usecases/commands/withdraw.ts';
import { uniqueUsers } from '../api.ts';
import { noonZone } from '../noon.ts';
import { assertBooksBalance, makeDatabase, ownerPool, peopleOf, type TestDatabase } from '../stack.ts';
import { createTestLedger, fundDirectly, krw, walletOf } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';

const PAIRS = 60;
/** MAX_COUNTED of src/ledger/facets/limits.ts. */
const MOST = 32;
const ZONE = noonZone();
const users = uniqueUsers(2 * PAIRS);

let database: TestDatabase;
let db: pg.Pool;
before(async () => {
  database = await makeDatabase();
  db = ownerPool(database);
  await peopleOf(database).addUsers(users);
  await fundDirectly(database, users, 100);
  await putPolicy(db, { tier: 'unverified', currency: 'KRW', limits: { day_out: 50n } }, ZONE);
});
after(async () => {
  await assertBooksBalance(db);
  await db.end();
  await database.drop();
});

/** Notes how many wallets each statement counts. */
function counting(pool: pg.Pool, counted: number[]): pg.Pool {
  return new Proxy(pool, {
    get: (inner, name) => {
      if (name !== 'connect') return Reflect.get(inner, name);
      return async () => {
        const client = await inner.connect();
        return new Proxy(client, {
          get: (own, key) => {
            const value = Reflect.get(own, key);
            if (typeof value !== 'function') return value;
            return (...args: unknown[]) => {
              const [statement] = args as [{ name?: string; values?: string[] }];
              if (statement?.name === 'count-usages')
                counted.push(String(statement.values?.[0]).split(',').length);
              return Reflect.apply(value, own, args);
            };
          },
        });
      };
    },
  });
}

test('a batch with many wallets that were never counted is divided, and each call is answered as alone', async () => {
  const pool = createTestPool(database.appUrl);
  const counted: number[] = [];
  const ledger = createTestLedger(counting(pool, counted));
  const pay = (amount: number) =>
    Promise.allSettled(
      Array.from({ length: PAIRS }, (_, index) => {
        const [from = 0, to = 0] = users.slice(2 * index);
        const userId = BigInt(from);
        const intent = { userId, from: walletOf(from), to: walletOf(to), money: krw(amount), memo: '' };
        const key = { userId, key: crypto.randomUUID(), fingerprint: '00' };
        return ledger.execute(createTransfer, intent, key, systemCall('test'));
      }),
    );
  const first = await pay(40);
  assert.deepEqual([...new Set(first.map(({ status }) => status))], ['fulfilled']);
  assert.equal(
    counted.reduce((sum, count) => sum + count, 0),
    2 * PAIRS,
  );
  assert.ok(Math.max(...counted) <= MOST, `${counted}`);
  const second = await pay(40);
  assert.deepEqual(
    [...new Set(second.map((result) => result.status === 'rejected' && result.reason.reason))],
    ['LIMIT_EXCEEDED'],
  );
  assert.equal(
    counted.reduce((sum, count) => sum + count, 0),
    2 * PAIRS,
    'nothing is counted again',
  );
  await ledger[Symbol.asyncDispose]();
  await pool.end();
});

test('a wallet that has moved more than a bigint holds goes on, and is counted', async () => {
  const [user] = uniqueUsers(1) as [number];
  await peopleOf(database).addUsers([user]);
  await changeUserLimits(db, BigInt(user), { tier: 'business' });
  await putPolicy(db, { tier: 'business', currency: 'KRW', limits: { day_count: 2000n } }, ZONE);
  const pool = createTestPool(database.appUrl);
  const ledger = createTestLedger(pool);
  const userId = BigInt(user);
  const intent = { userId, wallet: walletOf(user), money: krw(MAX_AMOUNT), memo: '' };
  // 1,024 of these are just below 2^63.
  const moves = Array.from({ length: 2 * 1030 }, (_, index) =>
    ledger.execute<typeof intent, unknown>(
      index % 2 === 0 ? deposit : withdraw,
      intent,
      { userId, key: crypto.randomUUID(), fingerprint: '00' },
      systemCall('test'),
    ),
  );
  await Promise.all(moves);
  await ledger[Symbol.asyncDispose]();
  await pool.end();
  const { rows } = await db.query(
    `SELECT usage AS kept, count_usage(id, to_timestamp(split_part(usage, ':', 1)::bigint / 1000000),
       to_timestamp(split_part(usage, ':', 2)::bigint / 1000000), NULL) AS counted
     FROM accounts WHERE owner_user_id = $1`,
    [user],
  );
  const most = 1030n * BigInt(MAX_AMOUNT);
  assert.equal(rows[0].kept, rows[0].counted);
  assert.deepEqual(rows[0].kept.split(':').slice(2, 7), [most, most, 1030n, most, most].map(String));
});
