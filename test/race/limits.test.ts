// Deposits, transfers, claims, captures and gifts meet at one receiver who may hold no more than so much, over two servers' ledgers and
// into two of the receiver's wallets: in the order of the ledger itself it never holds more, and what was refused did not fit.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import { changeUserLimits, deletePolicy, putPolicy } from '../../src/db/limits/index.ts';
import type { Pool } from '../../src/db/pool.ts';
import { type LedgerCommand, systemCall } from '../../src/domain/batch/command.ts';
import type { Hold } from '../../src/domain/hold.ts';
import type { WalletRef } from '../../src/domain/intent.ts';
import type { Reason } from '../../src/domain/reasons.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import type { Ledger } from '../../src/ledger/index.ts';
import { createHoldRepository } from '../../src/repositories/index.ts';
import { claimSprinkle } from '../../src/usecases/commands/claim-sprinkle.ts';
import {
  acceptGift,
  type Core,
  captureHold,
  createGift,
  createHold,
  createSprinkle,
  createTransfer,
  createWallet,
  deposit,
  updateWallet,
} from '../../src/usecases/index.ts';
import { uniqueUsers } from '../api.ts';
import { seededRandom } from '../domain/seeded-random.ts';
import { assertBooksBalance, makeDatabase, ownerPool, peopleOf, type TestDatabase } from '../stack.ts';
import { createTestLedger, fundDirectly, krw, walletOf } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';
import { until, untilLocked } from '../until.ts';
import { assertHeldAtMost, heldInOrder } from './ledger-order.ts';

/** LIMIT_SEEDS=20 npm test -- test/race/limits.test.ts makes twenty receivers of it, each with other calls. */
const SEEDS = Array.from({ length: Number(process.env.LIMIT_SEEDS ?? 4) }, (_, index) => index + 1);
const CALLS = 1000;
const MOST = 4000;
const ROOM = 'limits';
const [SENDER] = uniqueUsers(1) as [number];

let database: TestDatabase;
let db: pg.Pool;
let admin: Pool;
let pools: Pool[];
let ledgers: Ledger[];
let cores: Core[];
before(async () => {
  database = await makeDatabase();
  db = ownerPool(database);
  admin = createTestPool(database.ownerUrl);
  await peopleOf(database).addUsers([SENDER]);
  await fundDirectly(database, [SENDER], 1_000_000);
  // Limits of another tier don't bind the sender.
  await changeUserLimits(admin, BigInt(SENDER), { tier: 'business' });
  pools = [1, 2].map(() => createTestPool(database.appUrl, { maxConnections: 4 }));
  ledgers = pools.map((pool) => createTestLedger(pool, { lanes: 2, maxBatch: 16 }));
  cores = pools.map((primary, index) => {
    const core = { execute: ledgers[index]?.execute, holds: createHoldRepository({ primary }) };
    return core as unknown as Core;
  });
});
after(async () => {
  for (const ledger of ledgers) await ledger[Symbol.asyncDispose]();
  for (const pool of [...pools, admin]) await pool.end();
  await assertBooksBalance(db).finally(() => db.end());
  await database.drop();
});

const call = systemCall('race');
const newKey = (user: number) => ({ userId: BigInt(user), key: crypto.randomUUID(), fingerprint: '00' });
const putHeld = (held: bigint) =>
  putPolicy(
    admin,
    { tier: 'unverified', currency: 'KRW', limits: { held, month_in: 10n ** 12n } },
    'Asia/Seoul',
  );

/** One thing that brings the receiver money, and how much. */
interface Attempt {
  readonly amount: number;
  run(core: Core): Promise<unknown>;
}

/** A receiver with two wallets, and what brings money into them. */
async function attemptsFor(receiver: number, random: ReturnType<typeof seededRandom>): Promise<Attempt[]> {
  const people = peopleOf(database);
  await people.addUsers([receiver]);
  await people.addRoom(`${ROOM}-${receiver}`, [SENDER, receiver]);
  const core = cores[0] as Core;
  const execute = <I, O>(command: LedgerCommand<I, O>, intent: I, user: number, by = core) =>
    by.execute(command, intent, newKey(user), call);
  const opened = { userId: BigInt(receiver), currency: 'KRW', displayName: 'Second' } as const;
  const { id } = await execute(createWallet, opened, receiver);
  const second: WalletRef = { walletId: id, field: 'wallet' };
  const pick = () => (random.below(2) === 0 ? second : walletOf(receiver));
  const userId = BigInt(receiver);
  const sender = BigInt(SENDER);
  const kinds: ((amount: number) => Promise<Attempt> | Attempt)[] = [
    (amount) => ({
      amount,
      run: (by) => execute(deposit, { userId, wallet: pick(), money: krw(amount), memo: '' }, receiver, by),
    }),
    (amount) => ({
      amount,
      run: (by) =>
        execute(
          createTransfer,
          { userId: sender, from: walletOf(SENDER), to: pick(), money: krw(amount), memo: '' },
          SENDER,
          by,
        ),
    }),
    async (amount) => {
      const made = await execute(
        createSprinkle,
        {
          ...{ userId: sender, roomId: `${ROOM}-${receiver}`, roomField: 'room', wallet: walletOf(SENDER) },
          ...{ money: krw(amount), headcount: 1, lifetimeMs: 600_000 },
        },
        SENDER,
      );
      const { token, roomId } = made.sprinkle;
      return {
        amount,
        run: (by) =>
          execute(claimSprinkle, { userId, roomId, token, wallet: pick(), nonce: '' }, receiver, by),
      };
    },
    async (amount) => {
      const { hold } = await execute(
        createHold,
        {
          ...{ userId: sender, wallet: walletOf(SENDER), to: pick(), money: krw(amount) },
          ...{ lifetimeMs: undefined, reason: '' },
        },
        SENDER,
      );
      return { amount, run: (by) => capture(by, receiver, hold) };
    },
    async (amount) => {
      const { hold } = await execute(
        createGift,
        {
          ...{ userId: sender, wallet: walletOf(SENDER), to: walletOf(receiver), money: krw(amount) },
          ...{ lifetimeMs: undefined, message: '' },
        },
        SENDER,
      );
      return { amount, run: (by) => acceptGift(by, userId, hold.id, pick(), newKey(receiver), call) };
    },
  ];
  return Promise.all(
    Array.from({ length: CALLS }, (_, index) => {
      // Of ten calls one is a claim, one a capture, one a gift, and the others are deposits and transfers.
      const kind = index % 10 > 6 ? (index % 10) - 5 : index % 2;
      return (kinds[kind] as (typeof kinds)[number])(1 + random.below(20));
    }),
  );
}

function capture(core: Core, receiver: number, { id }: Hold): Promise<unknown> {
  const input = { money: undefined, isFinal: false, to: undefined };
  return captureHold(core, BigInt(receiver), id, input, newKey(receiver), call);
}

/** Makes all attempts at once over both servers; returns the amounts that were refused, and why. */
async function makeAll(
  attempts: readonly Attempt[],
  make: (attempt: Attempt, core: Core) => Promise<unknown> = (attempt, core) => attempt.run(core),
): Promise<{ amount: number; reason: Reason }[]> {
  const refused: { amount: number; reason: Reason }[] = [];
  await Promise.all(
    attempts.map((attempt, index) =>
      make(attempt, cores[index % 2] as Core).catch((error: unknown) => {
        if (!(error instanceof Refusal)) throw error;
        refused.push({ amount: attempt.amount, reason: error.reason });
      }),
    ),
  );
  return refused;
}

for (const seed of SEEDS) {
  test(`a receiver at its holding limit, seed ${seed}`, async () => {
    const random = seededRandom(seed);
    const [receiver] = uniqueUsers(1) as [number];
    const attempts = await attemptsFor(receiver, random);
    // The policy comes into force while both servers run batches that know of none.
    const refused = (await Promise.all([makeAll(attempts.slice(0, 100)), putHeld(BigInt(MOST))]))[0].concat(
      await makeAll(attempts.slice(100)),
    );
    await assertHeldAtMost(db, { user: receiver, most: MOST, calls: CALLS, refused });
    const { rows } = await db.query('SELECT faults FROM reconcile_limits()');
    assert.deepEqual(rows[0].faults, [], 'what was counted is what the transfers say');
    const told = await db.query<{ day: string }>(
      `SELECT data ->> 'day' AS day FROM announcements WHERE type = 'limit.reached' AND subject = $1`,
      [`users/${receiver}`],
    );
    const days = told.rows.map(({ day }) => day);
    assert.ok(days.length > 0 && refused.length > days.length);
    assert.deepEqual(days, [...new Set(days)], 'both servers together tell it once a day');
    await deletePolicy(admin, 'unverified', 'KRW', 'Asia/Seoul');
  });
}

test('a policy that comes into force meets batches that know of none', async () => {
  const [receiver] = uniqueUsers(1) as [number];
  const attempts = await attemptsFor(receiver, seededRandom(7));
  const making = makeAll(attempts);
  await until('some are made', async () => (await heldInOrder(db, receiver)).length > 20);
  // Whatever it holds by now, a single one more is above it.
  await putHeld(1n);
  const [{ since }] = (await db.query('SELECT changed_at AS since FROM limit_policies')).rows;
  const refused = await making;
  const { rows } = await db.query(
    `SELECT t.id FROM accounts a JOIN transfers t ON t.credit_account_id = a.id
     WHERE a.owner_user_id = $1 AND t.created_at > $2`,
    [receiver, since],
  );
  assert.deepEqual(rows, [], 'no batch that began without the policy committed after it');
  assert.ok(refused.length > 0, 'it came in the middle');
  await deletePolicy(admin, 'unverified', 'KRW', 'Asia/Seoul');
});

test('the same with the limit checked before the lock: the receiver holds more', async () => {
  const [receiver] = uniqueUsers(1) as [number];
  const attempts = await attemptsFor(receiver, seededRandom(1));
  const SUM = 'SELECT sum(balance) AS held FROM accounts WHERE owner_user_id = $1';
  await makeAll(attempts, async (attempt, core) => {
    const { rows } = await db.query<{ held: string }>(SUM, [receiver]);
    if (Number(rows[0]?.held) + attempt.amount <= MOST) await attempt.run(core);
  });
  const most = (await heldInOrder(db, receiver)).toSorted((one, other) => Number(other - one))[0] ?? 0n;
  assert.ok(most > MOST, `it held ${most} at most`);
});

test('what is set for a user while another wallet becomes its default one goes with that one', async () => {
  const [user] = uniqueUsers(1) as [number];
  await peopleOf(database).addUsers([user]);
  const userId = BigInt(user);
  const opened = { userId, currency: 'KRW', displayName: 'Second' } as const;
  const { id: walletId } = await (cores[0] as Core).execute(createWallet, opened, newKey(user), call);
  const [reached, letGo] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const beforeCommit = async () => {
    reached.resolve();
    await letGo.promise;
    return () => undefined;
  };
  const ledger = createTestLedger(pools[0] as Pool, {}, { beforeCommit });
  const wallet: WalletRef = { walletId, field: 'wallet_id' };
  const intent = { userId, wallet, isDefault: true, displayName: undefined };
  const changing = ledger.execute(updateWallet, intent, newKey(user), call);
  await reached.promise;
  const setting = changeUserLimits(admin, userId, { tier: 'minor' });
  await untilLocked(db, 1, 'put_user_limits');
  letGo.resolve();
  await Promise.all([changing, setting]);
  await ledger[Symbol.asyncDispose]();
  const text = 'SELECT id, owner_tier FROM accounts WHERE owner_user_id = $1 AND is_default';
  assert.deepEqual((await db.query(text, [user])).rows, [{ id: walletId, owner_tier: 'minor' }]);
});
