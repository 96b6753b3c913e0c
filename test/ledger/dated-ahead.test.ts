// An account whose last transfer is dated later than the clock, because the clock went back since: it moves the moments of
// its own transfers, and nothing else.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { LEDGER_SETTINGS } from '../../src/db/pool.ts';
import { microsOf } from '../../src/db/sql.ts';
import { systemCall } from '../../src/domain/batch/command.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { connectionsFor, type Ledger } from '../../src/ledger/index.ts';
import { batchCreateTransfers } from '../../src/usecases/commands/batch-create-transfers.ts';
import { createTransfer } from '../../src/usecases/commands/create-transfer.ts';
import { type Stack, startStack } from '../stack.ts';
import { createTestLedger } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';

const [AHEAD, ANNA, BO, CLEO, DORA] = [6501, 6502, 6503, 6504, 6505];
const ROOM = 'ahead';
const SECOND = 1_000_000;
let stack: Stack;
let pool: pg.Pool;
let ledger: Ledger;
const tooFarAhead: string[] = [];

before(async () => {
  // A sprinkle's life is shorter than the account is ahead.
  stack = await startStack({ env: { SPRINKLE_LIFETIME_MS: '30000' } });
  pool = createTestPool(stack.config.databaseUrl, {
    maxConnections: connectionsFor({ lanes: 1 }),
    settings: LEDGER_SETTINGS,
  });
  const nothing = () => {};
  const observer = {
    waited: nothing,
    batched: nothing,
    committed: nothing,
    conflicted: nothing,
    unreachable: nothing,
    tooFarAhead: (ids: readonly string[]) => void tooFarAhead.push(...ids),
  };
  ledger = createTestLedger(pool, { maxBatch: 64 }, { observer });
  await stack.addUsers([AHEAD, ANNA, BO, CLEO, DORA]);
  await stack.addRoom(ROOM, [ANNA, AHEAD]);
  await stack.fund([AHEAD, ANNA, BO, CLEO, DORA], 10_000);
});
after(async () => {
  await ledger[Symbol.asyncDispose]();
  await pool.end();
  await stack.stop();
});

/** Dates the account of AHEAD so many seconds later than the clock. */
const date = (seconds: number) =>
  stack.db.query(
    `UPDATE accounts SET updated_at = clock_timestamp() + $2 * interval '1 second' WHERE owner_user_id = $1`,
    [AHEAD, seconds],
  );
const clock = async () => {
  const { rows } = await stack.db.query<{ now: string }>(`SELECT ${microsOf('clock_timestamp()')} AS now`);
  return Number(rows[0]?.now);
};
const momentOf = async (id: string) => {
  const { rows } = await stack.db.query<{ at: string }>(
    `SELECT ${microsOf('created_at')} AS at FROM transfers WHERE id = $1`,
    [id],
  );
  return Number(rows[0]?.at);
};
const intentOf = (from: number, to: number) => ({
  userId: BigInt(from),
  from: { defaultOf: BigInt(from), field: 'from' },
  to: { defaultOf: BigInt(to), field: 'to' },
  money: { currency: 'KRW', amount: 1n, field: 'amount' } as const,
  memo: '',
});
const keyOf = (user: number) => ({ userId: BigInt(user), key: crypto.randomUUID(), fingerprint: 'f0' });
const pay = (from: number, to: number) =>
  ledger.execute(createTransfer, intentOf(from, to), keyOf(from), systemCall('test'));

test('a live sprinkle is claimed by somebody whose account is ahead of its end', async () => {
  const room = { roomId: ROOM };
  const made = await stack.grpc.call(
    'wallet.v1.SprinkleService/CreateSprinkle',
    { amount: 100, headcount: 1 },
    { userId: String(ANNA), idempotencyKey: crypto.randomUUID(), ...room },
  );
  assert.equal(made.status, 0, made.reason);
  await date(50);
  const claimed = await stack.grpc.call(
    'wallet.v1.SprinkleService/ClaimSprinkle',
    { token: made.body.token ?? '' },
    { userId: String(AHEAD), idempotencyKey: crypto.randomUUID(), ...room },
  );
  assert.equal(claimed.status, 0, claimed.reason);
});

test('in one batch each transfer has a moment of its own, and every account its order', async () => {
  await date(40);
  const [first, other, second, third] = await Promise.all([
    pay(AHEAD, ANNA),
    pay(BO, CLEO),
    pay(ANNA, DORA),
    pay(AHEAD, DORA),
  ]);
  const now = await clock();
  const at = ({ transfer: { createdAt } }: Awaited<ReturnType<typeof pay>>) => createdAt;
  assert.ok(Math.abs(at(other) - now) < 20 * SECOND, 'who has nothing to do with it pays now');
  assert.ok(at(first) > now + 20 * SECOND, 'the account goes on after its last transfer');
  assert.ok(at(second) >= at(first) && at(third) >= at(second));
  for (const { transfer: posted } of [first, other, second, third])
    assert.equal(await momentOf(posted.id), posted.createdAt);
  const { rows } = await stack.db.query<{ sorts: boolean }>(
    `SELECT array_agg(id ORDER BY created_at, id) = $1::uuid[] AS sorts FROM transfers WHERE id = ANY ($1)`,
    [[first, second, third].map(({ transfer: { id } }) => id)],
  );
  assert.equal(rows[0]?.sorts, true);
});

test('an item of a batch that happened at another moment says so', async () => {
  await date(40);
  const items = [intentOf(BO, CLEO), intentOf(BO, AHEAD)];
  const { at, results } = await ledger.execute(
    batchCreateTransfers,
    { mode: 'each', items },
    keyOf(BO),
    systemCall('test'),
  );
  for (const result of results) {
    assert.ok('transferId' in result);
    assert.equal(result.at ?? at, await momentOf(result.transferId));
  }
  assert.deepEqual(
    results.map((result) => 'at' in result),
    [false, true],
  );
});

test('an account that is more than a minute ahead stands still until the clock has caught up, and alone', async () => {
  await date(90);
  const [refused, passed] = await Promise.allSettled([pay(CLEO, AHEAD), pay(CLEO, DORA)]);
  assert.ok(refused.status === 'rejected' && refused.reason instanceof Refusal);
  assert.equal(refused.reason.reason, 'UNAVAILABLE');
  assert.ok((refused.reason.retryAfterMs ?? 0) > 0);
  assert.equal(passed.status, 'fulfilled');
  assert.equal(tooFarAhead.length, 1, 'and it is told');
  await date(-1);
  await pay(CLEO, AHEAD);
});
