// One row that somebody else holds locked stops the calls that need it, and nobody else's.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { LEDGER_SETTINGS } from '../../src/db/pool.ts';
import { LOCK_WAIT_MS } from '../../src/db/timeouts.ts';
import { systemCall } from '../../src/domain/batch/command.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { connectionsFor, type Ledger } from '../../src/ledger/index.ts';
import { createTransfer } from '../../src/usecases/commands/create-transfer.ts';
import { createWallet } from '../../src/usecases/commands/create-wallet.ts';
import { deposit } from '../../src/usecases/commands/deposit.ts';
import { assertBooksBalance, type Stack, startStack } from '../stack.ts';
import { createTestLedger } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';
import { untilLocked } from '../until.ts';

const USERS = Array.from({ length: 20 }, (_, index) => 6301 + index);
const [LOCKED = 0, ALSO_LOCKED = 0, ...OTHERS] = USERS;
const STRANGER = 6400;
const LANES = 2;
let stack: Stack;
let pool: pg.Pool;
let ledger: Ledger;

before(async () => {
  stack = await startStack();
  pool = createTestPool(stack.config.databaseUrl, {
    maxConnections: connectionsFor({ lanes: LANES }),
    settings: LEDGER_SETTINGS,
  });
  ledger = createTestLedger(pool, { maxBatch: 64, lanes: LANES });
  await stack.addUsers([...USERS, STRANGER]);
  await stack.fund(USERS, 1_000_000);
});
after(async () => {
  await ledger[Symbol.asyncDispose]();
  await pool.end();
  await stack.stop();
});

const CALL = systemCall('test');
let serial = 0;
const pay = (from: number, to: number, withinMs = 60_000): Promise<unknown> => {
  serial += 1;
  const intent = {
    userId: BigInt(from),
    from: { defaultOf: BigInt(from), field: 'from' },
    to: { defaultOf: BigInt(to), field: 'to' },
    money: { currency: 'KRW', amount: 1n, field: 'amount' } as const,
    memo: '',
  };
  const key = { userId: BigInt(from), key: `blocked-${serial}`, fingerprint: 'f0' };
  return ledger.execute(createTransfer, intent, key, { ...CALL, deadlineMs: Date.now() + withinMs });
};
const paid = async () => {
  const { rows } = await stack.db.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM transfers WHERE kind = 'transfer'`,
  );
  return rows[0]?.count ?? 0;
};

/** Locks rows as somebody with psql might, while `work` is done. */
async function whileLocked(sql: string, values: unknown[], work: () => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: stack.database.ownerUrl });
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query(sql, values);
    await work();
    await client.query('ROLLBACK');
  } finally {
    await client.end();
  }
}
const LOCK_WALLETS = 'SELECT FROM accounts WHERE owner_user_id = ANY ($1) FOR UPDATE';
const isRefused = (reason: string) => (error: unknown) => error instanceof Refusal && error.reason === reason;

/** Pays among others, 32 at a time, until it is over; how many went through, and how long the slowest took. */
async function trade(isOver: (count: number) => boolean): Promise<{ count: number; slowestMs: number }> {
  const result = { count: 0, slowestMs: 0 };
  const one = async (lane: number) => {
    for (let turn = lane; !isOver(result.count); turn++) {
      const since = performance.now();
      await pay(OTHERS[turn % OTHERS.length] ?? 0, OTHERS[(turn + 1) % OTHERS.length] ?? 0);
      result.slowestMs = Math.max(result.slowestMs, performance.now() - since);
      result.count += 1;
    }
  };
  await Promise.all(Array.from({ length: 32 }, (_, lane) => one(lane)));
  return result;
}

test('while two rows are locked others pay on, and the calls that wait go through once they are free', async () => {
  const before = await paid();
  const waiting: Promise<unknown>[] = [];
  let others = { count: 0, slowestMs: 0 };
  let settled = 0;
  await whileLocked(LOCK_WALLETS, [[LOCKED, ALSO_LOCKED]], async () => {
    const since = performance.now();
    let isOver = false;
    // On a busy machine a hundred payments take longer than the three seconds that it takes at least.
    const trading = trade((count) => {
      const ms = performance.now() - since;
      isOver ||= ms > 20_000 || (ms > 3_000 && count > 100);
      return isOver;
    });
    // New calls for the locked rows keep coming all the time, from both sides.
    while (!isOver) {
      waiting.push(pay(LOCKED, OTHERS[0] ?? 0), pay(OTHERS[1] ?? 0, ALSO_LOCKED));
      await sleep(100);
    }
    for (const call of waiting) void call.then(() => (settled += 1)).catch(() => {});
    others = await trading;
    assert.equal(settled, 0, 'nobody passes a lock');
  });
  await Promise.all(waiting);
  assert.equal((await paid()) - before, others.count + waiting.length, 'none lost, none doubled');
  assert.ok(others.count > 100, `others made ${others.count} payments`);
  assert.ok(others.slowestMs < 5_000, `the slowest of them took ${others.slowestMs} ms`);
});

test('a call that waits for a lock is refused before its deadline, and did nothing', async () => {
  const before = await paid();
  await whileLocked(LOCK_WALLETS, [[LOCKED]], async () => {
    const results = await Promise.allSettled([pay(LOCKED, STRANGER, 1_500), pay(LOCKED, STRANGER, 2_000)]);
    for (const result of results)
      assert.ok(result.status === 'rejected' && isRefused('UNAVAILABLE')(result.reason));
    await pay(OTHERS[0] ?? 0, OTHERS[1] ?? 0, 5_000);
  });
  await ledger[Symbol.asyncDispose]();
  assert.equal((await paid()) - before, 1);
});

test('a row that others queue for all the time is reached all the same', async () => {
  let isOver = false;
  // Each holds it for longer than a batch waits, and together for longer than the first turns of deferred calls.
  const hogs = [1, 2, 3].map(async () => {
    while (!isOver) await whileLocked(LOCK_WALLETS, [[LOCKED]], () => sleep(LOCK_WAIT_MS + 100));
  });
  try {
    await Promise.all(Array.from({ length: 5 }, () => pay(LOCKED, STRANGER, 20_000)));
  } finally {
    isOver = true;
    await Promise.all(hogs);
  }
});

test('what is locked may also be an account outside, or the whole table', async () => {
  const fund = (user: number, key: string) =>
    ledger.execute(
      deposit,
      {
        userId: BigInt(user),
        wallet: { defaultOf: BigInt(user), field: 'wallet' },
        money: { currency: 'KRW', amount: 1n, field: 'amount' } as const,
        memo: '',
      },
      { userId: BigInt(user), key, fingerprint: 'f0' },
      { ...CALL, deadlineMs: Date.now() + 20_000 },
    );
  // Two of 16 stripes: some batches meet one, and find another; hardly one meets them so often that its time is up.
  await whileLocked(
    `SELECT FROM accounts WHERE kind = 'external' AND stripe < $1 FOR UPDATE`,
    [2],
    async () => {
      for (let turn = 0; turn < 24; turn++) await fund(STRANGER, `stripe-${turn}`);
    },
  );
  let isFree = false;
  let held: Promise<unknown> = Promise.resolve();
  await whileLocked('LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE', [], async () => {
    held = Promise.all(
      OTHERS.map((user) =>
        pay(user, STRANGER, 20_000).then(() => assert.ok(isFree, 'nobody passes the lock of the table')),
      ),
    );
    await sleep(1_500);
    isFree = true;
  });
  await held;
  await ledger[Symbol.asyncDispose]();
  await assertBooksBalance(stack.db);
});

test('a row that no call names holds up only the call that needs it: a user who opens a wallet', async () => {
  const open = (user: number) => {
    const intent = { userId: BigInt(user), currency: 'KRW' as const, displayName: 'Savings' };
    const key = { userId: BigInt(user), key: `open-${user}`, fingerprint: 'f0' };
    return ledger.execute(createWallet, intent, key, { ...CALL, deadlineMs: Date.now() + 30_000 });
  };
  let isFree = false;
  const calls: Promise<unknown>[] = [];
  await whileLocked('SELECT FROM users WHERE id = $1 FOR UPDATE', [LOCKED], async () => {
    calls.push(open(LOCKED).then(() => assert.ok(isFree, 'nobody passes the lock')));
    for (let turn = 0; turn < 10; turn++) {
      // In one batch with the first of them, and later ones.
      await Promise.all([open(OTHERS[turn] ?? 0), pay(OTHERS[turn] ?? 0, STRANGER)]);
    }
    isFree = true;
  });
  await Promise.all(calls);
});

test('negative control: without lock_timeout one locked row stops everybody', async () => {
  const patient = createTestPool(stack.config.databaseUrl, {
    maxConnections: LANES,
    settings: { ...LEDGER_SETTINGS, lock_timeout: '0' },
  });
  const ours = ledger;
  ledger = createTestLedger(patient, { maxBatch: 64, lanes: LANES });
  try {
    const calls: Promise<unknown>[] = [];
    await whileLocked(LOCK_WALLETS, [[LOCKED]], async () => {
      // One for each lane.
      for (let lane = 0; lane < LANES; lane++) {
        calls.push(pay(LOCKED, STRANGER));
        await untilLocked(stack.db, lane + 1);
      }
      const other = pay(OTHERS[0] ?? 0, STRANGER);
      calls.push(other);
      assert.equal(await Promise.race([other, sleep(1_000, 'nothing')]), 'nothing');
    });
    await Promise.all(calls);
  } finally {
    await ledger[Symbol.asyncDispose]();
    ledger = ours;
    await patient.end();
  }
});
