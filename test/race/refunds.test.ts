// A hundred refunds and reversals of one transfer meet over two servers' ledgers: exactly those that fit are let in.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
import type { Pool } from '../../src/db/pool.ts';
import { type LedgerCommand, systemCall } from '../../src/domain/batch/command.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import type { PostedTransfer, Transfer } from '../../src/domain/transfer.ts';
import type { Ledger } from '../../src/ledger/index.ts';
import { type Core, createTransfer, refundTransfer, reverseTransfer } from '../../src/usecases/index.ts';
import { seededRandom } from '../domain/seeded-random.ts';
import { assertBooksBalance, makeDatabase, ownerPool, peopleOf, type TestDatabase } from '../stack.ts';
import { createTestLedger, fundDirectly, krw, walletOf } from '../test-ledger.ts';
import { createTestPool } from '../test-pool.ts';
import { assertRefundsFit, refundsOf } from './ledger-order.ts';

const [ANNA, BO] = [7501, 7502];
const AMOUNT = 1000;
/** REFUND_SEEDS=20 npm test -- test/race/refunds.test.ts makes twenty transfers of it, each with other refunds. */
const SEEDS = Array.from({ length: Number(process.env.REFUND_SEEDS ?? 3) }, (_, index) => index + 1);

let database: TestDatabase;
let db: pg.Pool;
let pools: Pool[];
let ledgers: Ledger[];
before(async () => {
  database = await makeDatabase();
  db = ownerPool(database);
  await peopleOf(database).addUsers([ANNA, BO]);
  await fundDirectly(database, [ANNA, BO], 1_000_000);
  pools = [1, 2].map(() => createTestPool(database.appUrl, { maxConnections: 4 }));
  ledgers = pools.map((pool) => createTestLedger(pool, { lanes: 2, maxBatch: 8 }));
});
after(async () => {
  for (const ledger of ledgers) await ledger[Symbol.asyncDispose]();
  for (const pool of pools) await pool.end();
  await assertBooksBalance(db).finally(() => db.end());
  await database.drop();
});

const newKey = (user: number) => ({ userId: BigInt(user), key: crypto.randomUUID(), fingerprint: '00' });
const call = systemCall('race');

async function paid(): Promise<PostedTransfer> {
  const intent = {
    userId: BigInt(ANNA),
    from: walletOf(ANNA),
    to: walletOf(BO),
    money: krw(AMOUNT),
    memo: '',
  };
  return (ledgers[0] as Ledger).execute(createTransfer, intent, newKey(ANNA), call);
}

for (const seed of SEEDS) {
  test(`a hundred refunds and reversals of one transfer, seed ${seed}`, async () => {
    const random = seededRandom(seed);
    const original = await paid();
    const { id } = original.transfer;
    const cores = ledgers.map(
      ({ execute }) =>
        ({ execute, transfers: { findMany: async () => new Map([[id, original]]) } }) as unknown as Core,
    );
    const answered: number[] = [];
    const refused: number[] = [];
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        const amount = 1 + random.below(40);
        const input = { transferId: id, money: krw(amount), reason: '' };
        const core = cores[random.below(2)] as Core;
        const isByOperator = random.below(3) === 0;
        try {
          if (isByOperator) await reverseTransfer({ money: core }, input, newKey(BO), call);
          else await refundTransfer(core, BigInt(BO), input, newKey(BO), call);
          answered.push(amount);
        } catch (error) {
          assert.ok(error instanceof Refusal && error.reason === 'REFUND_EXCEEDS_TRANSFER');
          refused.push(amount);
        }
      }),
    );
    await assertRefundsFit(db, { id, amount: AMOUNT, answered, refused });
  });
}

type Sides = Pick<Transfer, 'debitAccountId' | 'creditAccountId'>;

/** Refunds that go by what was read before the lock, and say what they are told of the transfer that they refund. */
const blind = (
  { debitAccountId, creditAccountId }: Sides,
  noted?: Pick<Transfer, 'id' | 'amount'>,
): LedgerCommand<bigint, string> => ({
  readSet: () => ({ accountIds: [debitAccountId, creditAccountId] }),
  decide(amount, batch) {
    const debit = batch.accounts.get(creditAccountId);
    const credit = batch.accounts.get(debitAccountId);
    const refund = batch.transfers.post({ kind: 'refund', debit, credit, amount });
    if (noted) batch.refunds.add(noted, refund);
    return refund.id;
  },
});

test('negative control: refunds that are decided by what was read before the lock are more than the transfer', async () => {
  const original = await paid();
  const command = blind(original.transfer);
  const ids = await Promise.all(ledgers.map((ledger) => ledger.execute(command, 600n, newKey(BO), call)));
  const { rows } = await db.query('SELECT sum(amount)::int AS sum FROM transfers WHERE id = ANY ($1)', [ids]);
  assert.equal(rows[0].sum, 1200);
  // They cannot be noted afterwards, as if they had been decided.
  const note = `INSERT INTO refunds (refund_id, created_at, transfer_id, transfer_amount, amount)
    SELECT id, created_at, $1, 1000, amount FROM transfers WHERE id = $2`;
  await assert.rejects(db.query(note, [original.transfer.id, ids[0]]), /not what its transfer moved/);
});

test('the database refuses a refund that is more than is left, whatever the ledger decides', async () => {
  const original = await paid();
  const command = blind(original.transfer, original.transfer);
  const results = await Promise.allSettled(
    ledgers.map((ledger) => ledger.execute(command, 600n, newKey(BO), call)),
  );
  const refused = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason.constraint] : [],
  );
  assert.deepEqual(refused, ['refunds_are_within_their_transfer']);
  assert.deepEqual(await refundsOf(db, original.transfer.id), { sum: 600, kept: 600 });
});

test('refunds of many transfers share batches, and each is held to its own', async () => {
  const originals = await Promise.all(Array.from({ length: 24 }, paid));
  await Promise.all(
    originals.map(({ transfer }, index) =>
      ledgers[0]?.execute(blind(transfer, transfer), BigInt(index + 1), newKey(BO), call),
    ),
  );
  for (const [index, { transfer }] of originals.entries())
    assert.deepEqual(await refundsOf(db, transfer.id), { sum: index + 1, kept: index + 1 });
});

const MISFITS: Record<string, (original: Transfer) => LedgerCommand<bigint, string>> = {
  'of a transfer of another amount': (original) => blind(original, { id: original.id, amount: 999n }),
  'out of another wallet': (original) => {
    const { debitAccountId, creditAccountId } = original;
    return blind({ debitAccountId: creditAccountId, creditAccountId: debitAccountId }, original);
  },
};

for (const [what, misfit] of Object.entries(MISFITS)) {
  test(`the database refuses a refund ${what}`, async () => {
    const { transfer } = await paid();
    const [ledger] = ledgers;
    await assert.rejects(
      async () => ledger?.execute(misfit(transfer), 1n, newKey(BO), call),
      /does not fit the transfer that it refunds/,
    );
    assert.deepEqual(await refundsOf(db, transfer.id), { sum: 0, kept: 0 });
  });
}
