// The ledger in the database: batches, their statements, and what the database itself refuses.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import type { Execute, LedgerCommand } from '../../src/domain/batch/command.ts';
import { systemCall } from '../../src/domain/batch/command.ts';
import { MAX_AMOUNT } from '../../src/domain/bounds.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { batchCreateTransfers } from '../../src/usecases/commands/batch-create-transfers.ts';
import { createTransfer } from '../../src/usecases/commands/create-transfer.ts';
import { deposit } from '../../src/usecases/commands/deposit.ts';
import { watched } from '../db/watched-pool.ts';
import { type Stack, startStack } from '../stack.ts';
import { createTestLedger } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';
import { until } from '../until.ts';

const ANNA = 6001;
const BO = 6002;
let stack: Stack;
let pool: pg.Pool;

before(async () => {
  stack = await startStack();
  pool = createTestPool(stack.config.databaseUrl);
  await stack.addUsers([ANNA, BO]);
  await stack.fund([ANNA], 100_000);
});
after(async () => {
  await pool.end();
  await stack.stop();
});

const CALL = systemCall('test');
const NO_FIGURES = {
  waited: () => {},
  batched: () => {},
  committed: () => {},
  conflicted: () => {},
  unreachable: () => {},
};
const key = (name: string) => ({ userId: BigInt(ANNA), key: name, fingerprint: 'f0' });
const ANNAS = { defaultOf: BigInt(ANNA), field: 'to' };
const pay = (amount: bigint, to = BO) => ({
  userId: BigInt(ANNA),
  from: { defaultOf: BigInt(ANNA), field: 'from' },
  to: { defaultOf: BigInt(to), field: 'to' },
  money: { currency: 'KRW', amount, field: 'amount' } as const,
  memo: '',
});

test('a hundred calls at once share a transaction: the statements are counted by the batch', async () => {
  const statements: string[] = [];
  const counting = watched(pool, (text) => statements.push(text));
  const { execute } = createTestLedger(counting, { maxBatch: 1024 });
  await Promise.all(
    Array.from({ length: 100 }, (_, index) => execute(createTransfer, pay(1n), key(`many-${index}`), CALL)),
  );
  assert.deepEqual(
    statements.map((text) => text.trim().split(/\s+/)[0]),
    ['BEGIN', 'SELECT', 'SELECT', 'SELECT', 'INSERT', 'COMMIT'],
  );
});

test('COMMIT follows the writes without waiting for them, and not before the tombstones are set', async () => {
  const statements: string[] = [];
  const tombstones = Promise.withResolvers<() => undefined>();
  const counting = watched(pool, (text) => statements.push(text));
  const { execute } = createTestLedger(counting, {}, { beforeCommit: () => tombstones.promise });
  const paid = execute(createTransfer, pay(1n), key(crypto.randomUUID()), CALL);
  await until('the answer was sent', () => statements.some((text) => text.includes('INTO idempotency_keys')));
  // What was sent is done: another statement of the pool is answered after it.
  await pool.query('SELECT');
  assert.ok(!statements.includes('COMMIT'));
  tombstones.resolve(() => undefined);
  await paid;
  assert.equal(statements.at(-1), 'COMMIT');
});

test('calls that a crowd makes for one row share the batch after the one that has it, and keep no lane meanwhile', async () => {
  const tombstones = Promise.withResolvers<() => undefined>();
  let batches = 0;
  const sizes: number[] = [];
  const { execute } = createTestLedger(
    pool,
    { lanes: 2 },
    {
      // The first batch waits before its commit, with its locks.
      beforeCommit: async () => (++batches === 1 ? tombstones.promise : () => undefined),
      observer: { ...NO_FIGURES, batched: (size) => sizes.push(size) },
    },
  );
  const claim: typeof createTransfer = { ...createTransfer, hotRow: () => 'a sprinkle' };
  const other: LedgerCommand<null, string> = { readSet: () => ({}), decide: () => 'done' };
  const first = execute(claim, pay(1n), key(crypto.randomUUID()), CALL);
  await until('the first batch has decided', () => batches === 1);
  const crowd = [1n, 2n].map((amount) => execute(claim, pay(amount), key(crypto.randomUUID()), CALL));
  assert.equal(await execute(other, null, key(crypto.randomUUID()), CALL), 'done');
  tombstones.resolve(() => undefined);
  await Promise.all([first, ...crowd]);
  // A batch counts a moment after it has answered its calls.
  await until('all batches have ended', () => sizes.length === 3);
  assert.deepEqual(sizes, [1, 1, 2]);
});

test('where the tombstones cannot be set, nothing is committed', async () => {
  const statements: string[] = [];
  const counting = watched(pool, (text) => statements.push(text));
  const beforeCommit = () => Promise.reject(new Error('no tombstones'));
  const { execute } = createTestLedger(counting, {}, { beforeCommit });
  await assert.rejects(execute(createTransfer, pay(1n), key(crypto.randomUUID()), CALL), /no tombstones/);
  assert.ok(statements.includes('ROLLBACK') && !statements.includes('COMMIT'));
});

test('a statement that leaves out a row turns the COMMIT that follows it into a rollback', async () => {
  const unaffordable = key(crypto.randomUUID());
  const refuse = (execute: Execute, signedAt: number) =>
    execute(createTransfer, pay(MAX_AMOUNT), unaffordable, {
      ...CALL,
      made: { signedAt, receivedAt: performance.now() },
    }).catch((error: unknown) => (error instanceof Refusal ? error.reason : error));
  assert.equal(await refuse(createTestLedger(pool).execute, 1_790_000_000), 'BALANCE_TOO_LOW');
  const statements: string[] = [];
  // The mark that is there already is left out, as an answer would be.
  const missing = watched(
    pool,
    (text) => statements.push(text),
    (text) => text.replace('WHERE k.outcome IS NULL', 'WHERE false'),
  );
  const posted: string[] = [];
  const { execute } = createTestLedger(
    missing,
    {},
    { onCommit: ({ posted: all }) => posted.push(...all.map(({ transfer }) => transfer.id)) },
  );
  const [, refusal] = await Promise.all([
    execute(createTransfer, pay(1n), key(crypto.randomUUID()), CALL),
    refuse(execute, 1_790_000_001),
  ]);
  assert.equal(refusal, 'CONFLICT');
  // Both ran five times together, and five times the COMMIT came to nothing.
  assert.equal(posted.length, 1);
  assert.ok(statements.filter((text) => text === 'COMMIT').length > 5);
  assert.ok(!statements.includes('ROLLBACK'));
});

test('what shares a transaction is bounded by movements, not by calls, and nobody overtakes a heavy call', async () => {
  const sizes: number[] = [];
  const { execute } = createTestLedger(
    pool,
    { maxBatch: 10 },
    { onCommit: ({ posted }) => sizes.push(posted.length) },
  );
  const many = (count: number) => ({
    mode: 'each' as const,
    items: Array.from({ length: count }, () => pay(1n)),
  });
  await Promise.all([
    ...[4, 4, 4].map((count) =>
      execute(batchCreateTransfers, many(count), key(`weighs-${crypto.randomUUID()}`), CALL),
    ),
    execute(createTransfer, pay(1n), key('weighs-one'), CALL),
    execute(batchCreateTransfers, many(25), key('weighs-more-than-fits'), CALL),
    execute(createTransfer, pay(1n), key('weighs-one-too'), CALL),
  ]);
  assert.deepEqual(sizes, [8, 5, 25, 1]);
});

/** A fault of ours as it might be: a decision that goes around the domain's limit. The CHECK of the table holds. */
const faulty: LedgerCommand<ReturnType<typeof pay>, bigint> = {
  readSet: createTransfer.readSet,
  decide: ({ from, to, money }, batch) => {
    const [debit, credit] = [batch.accounts.wallet(from), batch.accounts.wallet(to)];
    const posing = { ...debit, kind: 'external' as const };
    Object.assign(debit, posing);
    return batch.transfers.post({ kind: 'transfer', debit, credit, amount: money.amount }).amount;
  },
};

test('a call that makes the database refuse fails alone; the others of its batch go through', async () => {
  const { execute } = createTestLedger(pool, { maxBatch: 1024 });
  const results = await Promise.allSettled([
    execute(createTransfer, pay(10n), key('good-1'), CALL),
    execute(faulty, pay(10_000_000n), key('bad'), CALL),
    execute(createTransfer, pay(20n), key('good-2'), CALL),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  const [, bad] = results;
  assert.ok(bad?.status === 'rejected' && !(bad.reason instanceof Refusal));
  assert.match(String(bad.reason), /accounts_balance_within_limit/);
});

test('one call that makes the database refuse costs 255 others a few transactions, and then it is kept apart', async () => {
  const CALLS = 256;
  let transactions = 0;
  const counting = watched(pool, (text) => {
    if (text === 'BEGIN') transactions += 1;
  });
  const sizes: number[] = [];
  const ledger = createTestLedger(
    counting,
    { maxBatch: 1024 },
    { onCommit: ({ posted }) => sizes.push(posted.length) },
  );
  const good = (name: string, count: number) =>
    Array.from({ length: count }, (_, index) =>
      ledger.execute(createTransfer, pay(1n), key(`${name}-${index}`), CALL),
    );
  const bad = (name: string) =>
    ledger.execute(
      faulty,
      {
        ...pay(10_000_000n),
        userId: BigInt(BO),
        from: { defaultOf: BigInt(BO), field: 'from' },
        to: ANNAS,
      },
      { userId: BigInt(BO), key: name, fingerprint: 'f0' },
      CALL,
    );
  const mixed = (name: string) => [...good(`${name}-a`, 100), bad(name), ...good(`${name}-b`, CALLS - 101)];
  const outcomes = async (calls: Promise<unknown>[]) =>
    (await Promise.allSettled(calls)).map(({ status }) => status).filter((status) => status === 'rejected');
  assert.equal((await outcomes(mixed('halved'))).length, 1);
  assert.ok(transactions <= 1 + 2 * Math.log2(CALLS), `${transactions} transactions`);
  transactions = 0;
  sizes.length = 0;
  assert.equal((await outcomes(mixed('apart'))).length, 1);
  await ledger[Symbol.asyncDispose]();
  assert.equal(transactions, 2, 'all others together, and the one alone');
  assert.deepEqual(sizes, [CALLS - 1]);
});

test('the database refuses UPDATE, DELETE and TRUNCATE of the history, to its owner too', async () => {
  const app = new pg.Pool({ connectionString: stack.config.databaseUrl, max: 1 });
  try {
    for (const sql of [
      'UPDATE transfers SET amount = 1',
      'DELETE FROM transfers',
      'TRUNCATE transfers',
      'DELETE FROM sprinkle_claims',
      'DELETE FROM idempotency_keys',
      'DELETE FROM accounts',
      'UPDATE accounts SET overdraft_limit = 1000000',
      'UPDATE sprinkles SET amount = 1',
      'DROP TABLE transfers',
    ]) {
      await assert.rejects(app.query(sql), /permission denied|must be owner/, sql);
    }
  } finally {
    await app.end();
  }
  for (const sql of [
    'UPDATE transfers SET amount = amount',
    'DELETE FROM transfers',
    'TRUNCATE transfers',
    `DO $$ DECLARE p text; BEGIN SELECT 'TRUNCATE ' || min(inhrelid::regclass::text) INTO p FROM pg_inherits
       WHERE inhparent = 'transfers'::regclass; EXECUTE p; END $$`,
  ]) {
    await assert.rejects(stack.db.query(sql), /never changed or deleted/, sql);
  }
});

test('the database refuses a balance below its limit', async () => {
  await assert.rejects(
    stack.db.query('UPDATE accounts SET balance = -1 WHERE owner_user_id = $1', [ANNA]),
    /accounts_balance_within_limit/,
  );
});

test('a balance cannot grow past what an account can hold', async () => {
  const wallet = { defaultOf: BigInt(BO), field: 'wallet' };
  const intent = { userId: BigInt(BO), wallet, memo: '' };
  const { execute } = createTestLedger(pool, { maxBatch: 1024 });
  // So many of the largest amounts are just too many.
  const count = Number(2n ** 63n / MAX_AMOUNT) + 1;
  const huge = { ...intent, money: { currency: 'KRW', amount: MAX_AMOUNT, field: 'amount' } as const };
  const results = await Promise.allSettled(
    Array.from({ length: count }, (_, index) =>
      execute(deposit, huge, { userId: BigInt(BO), key: `huge-${index}`, fingerprint: 'f0' }, CALL),
    ),
  );
  const refused = results.filter((result) => result.status === 'rejected');
  assert.ok(refused.length > 0);
  for (const { reason } of refused)
    assert.ok(reason instanceof Refusal && reason.reason === 'BALANCE_TOO_HIGH', String(reason));
});
