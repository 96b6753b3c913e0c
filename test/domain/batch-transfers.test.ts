// A batch of transfers is its items one after the other: refused ones leave no trace, or take everything with them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Account } from '../../src/domain/account.ts';
import { type LedgerCommand, systemCall } from '../../src/domain/batch/command.ts';
import { decide } from '../../src/domain/batch/decide.ts';
import type { LedgerBatch } from '../../src/domain/batch/ledger-batch.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import {
  type BatchTransfersIntent,
  batchCreateTransfers,
} from '../../src/usecases/commands/batch-create-transfers.ts';
import { type CreateTransferIntent, createTransfer } from '../../src/usecases/commands/create-transfer.ts';
import { batchOf } from './batch.ts';

const USERS = [1n, 2n, 3n];
const AT = 1_790_000_000_000_000;
const ME = 1n;

function freshBatch(balances: readonly bigint[], updatedAt = 0): LedgerBatch {
  const accounts = USERS.map(
    (owner, index): Account => ({
      id: `w${owner}`,
      kind: 'wallet',
      currency: 'KRW',
      ownerUserId: owner,
      isDefault: true,
      displayName: '',
      balance: balances[index] ?? 0n,
      overdraftLimit: 0n,
      heldAmount: 0n,
      restriction: undefined,
      version: 0,
      createdAt: 0,
      updatedAt: owner === ME ? 0 : updatedAt,
    }),
  );
  return batchOf(AT, accounts);
}

interface Item {
  readonly from: bigint;
  readonly to: bigint;
  readonly amount: bigint;
  readonly currency: 'KRW' | 'USD';
}

const intentOf = ({ from, to, amount, currency }: Item, index: number): CreateTransferIntent => ({
  userId: ME,
  from: { walletId: `w${from}`, field: `items[${index}].debit_wallet_id` },
  to: { walletId: `w${to}`, field: `items[${index}].credit_wallet_id` },
  money: { currency, amount, field: `items[${index}].amount.currency_code` },
  memo: '',
});

/** Mostly what may pass; now and then a stranger's wallet, nobody's wallet, the same wallet, or dollars. */
const items = fc.array(
  fc.record<Item>({
    from: fc.oneof({ weight: 8, arbitrary: fc.constant(ME) }, { weight: 1, arbitrary: fc.constant(2n) }),
    to: fc.constantFrom(2n, 3n, 2n, 3n, 1n, 9n),
    amount: fc.bigInt({ min: 1n, max: 1500n }),
    currency: fc.constantFrom('KRW', 'KRW', 'KRW', 'KRW', 'USD'),
  }),
  { minLength: 1, maxLength: 30 },
);
const balances = fc.array(fc.bigInt({ min: 0n, max: 8000n }), { minLength: 3, maxLength: 3 });

const keyed = <I, O>(command: LedgerCommand<I, O>, intent: I, key: string) => ({
  command: command as LedgerCommand<unknown, unknown>,
  intent,
  info: systemCall('test'),
  key: { userId: ME, key, fingerprint: key },
});
const batchCall = (mode: BatchTransfersIntent['mode'], wanted: readonly Item[], key = 'batch') =>
  keyed(batchCreateTransfers, { mode, items: wanted.map(intentOf) }, key);

const accountsOf = (batch: LedgerBatch) => USERS.map((owner) => batch.accounts.get(`w${owner}`));
const movedIn = (batch: LedgerBatch) => [accountsOf(batch), batch.transfers.posted];

/** What single calls do, one after the other: nothing where one is posted, its refusal where it is not. */
function oneByOne(batch: LedgerBatch, wanted: readonly Item[]): (Refusal | undefined)[] {
  return wanted.map((item, index) => {
    try {
      decide(keyed(createTransfer, intentOf(item, index), `single-${index}`), batch);
      return undefined;
    } catch (error) {
      assert.ok(error instanceof Refusal, String(error));
      return error;
    }
  });
}

test('each for itself: the same transfers, balances and refusals as single calls one after the other', () => {
  fc.assert(
    fc.property(balances, items, (start, wanted) => {
      const [together, alone] = [freshBatch(start), freshBatch(start)];
      const { results } = decide(batchCall('each', wanted), together) as {
        results: { reason?: string; field?: string; balance?: bigint }[];
      };
      const refusals = oneByOne(alone, wanted);
      assert.deepEqual(
        results.map(({ reason }) => reason),
        refusals.map((refusal) => refusal?.reason),
      );
      assert.deepEqual(movedIn(together), movedIn(alone));
      for (const [index, { field }] of results.entries())
        assert.ok(field?.startsWith(`items[${index}]`) ?? true);
      assert.equal(together.answers.added.length, 1);
    }),
  );
});

test('what passes refuses the whole call in either mode, and nothing is stored: a repeated call may post it', () => {
  for (const mode of ['each', 'all-or-nothing'] as const) {
    // The others' last transfers are dated two minutes ahead: the clock was set back.
    const batch = freshBatch([5000n], AT + 120_000_000);
    const call = batchCall(mode, [{ from: ME, to: 2n, amount: 1n, currency: 'KRW' }]);
    assert.throws(
      () => decide(call, batch),
      (error) =>
        error instanceof Refusal && error.reason === 'UNAVAILABLE' && error.retryAfterMs !== undefined,
    );
    assert.deepEqual([batch.answers.added, batch.transfers.posted], [[], []]);
  }
});

/** A decision that posts, lets decisions within it try, and may then end in a refusal all the same. */
interface Decision {
  readonly amount: bigint;
  readonly within: readonly Decision[];
  readonly isRefused: boolean;
}

const { decision } = fc.letrec<{ decision: Decision }>((tie) => ({
  decision: fc.record({
    amount: fc.bigInt({ min: 1n, max: 9n }),
    within: fc.oneof({ maxDepth: 4 }, fc.constant([]), fc.array(tie('decision'), { maxLength: 3 })),
    isRefused: fc.boolean(),
  }),
}));

type Attempt = (batch: LedgerBatch, decide: () => void) => void;

function run(attempt: Attempt, batch: LedgerBatch, { amount, within, isRefused }: Decision): void {
  try {
    attempt(batch, () => {
      batch.transfers.post({
        kind: 'transfer',
        debit: batch.accounts.get('w1'),
        credit: batch.accounts.get('w2'),
        amount,
      });
      for (const inner of within) run(attempt, batch, inner);
      if (isRefused) throw new Refusal('BALANCE_TOO_LOW');
    });
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error));
  }
}

const amountsLeft = ({ amount, within, isRefused }: Decision): bigint[] =>
  isRefused ? [] : [amount, ...within.flatMap(amountsLeft)];

function checkNesting(attempt: Attempt): void {
  fc.assert(
    fc.property(decision, (outermost) => {
      const batch = freshBatch([1_000_000n]);
      run(attempt, batch, outermost);
      const left = amountsLeft(outermost);
      assert.deepEqual(
        batch.transfers.posted.map(({ amount }) => amount),
        left,
      );
      assert.equal(
        batch.accounts.get('w2').balance,
        left.reduce((sum, amount) => sum + amount, 0n),
      );
      assert.equal(batch.accounts.get('w1').version, left.length);
    }),
  );
}

test('decisions within decisions: each refusal takes back its own changes and those within it, and no others', () => {
  checkNesting((batch, decide) => batch.attempt(decide));
});

test('negative control: without the undo the same property sees what refused decisions left behind', () => {
  assert.throws(() => checkNesting((_book, decide) => decide()), /Property failed/);
});

test('all or nothing: the same as single calls, or the first refusal, which names the item, and no change', () => {
  fc.assert(
    fc.property(balances, items, (start, wanted) => {
      const [together, alone] = [freshBatch(start), freshBatch(start)];
      const before = structuredClone(movedIn(together));
      const refusals = oneByOne(alone, wanted);
      const first = refusals.findIndex((refusal) => refusal !== undefined);
      if (first === -1) {
        decide(batchCall('all-or-nothing', wanted), together);
        assert.deepEqual(movedIn(together), movedIn(alone));
        return;
      }
      assert.throws(
        () => decide(batchCall('all-or-nothing', wanted), together),
        (error) =>
          error instanceof Refusal &&
          error.reason === refusals[first]?.reason &&
          error.violations.length === 1 &&
          error.violations[0]?.field.split('.')[0] === `items[${first}]`,
      );
      assert.deepEqual(movedIn(together), before);
      assert.deepEqual(together.answers.added, []);
    }),
  );
});

test('batches and single calls in one batch: a refused batch takes back its own changes and nobody else’s', () => {
  const batch = freshBatch([1000n]);
  const pay = (amount: bigint): Item => ({ from: ME, to: 2n, amount, currency: 'KRW' });
  decide(batchCall('each', [pay(100n), pay(5000n), pay(200n)], 'first'), batch);
  assert.throws(() => decide(batchCall('all-or-nothing', [pay(300n), pay(401n)], 'second'), batch), Refusal);
  decide(batchCall('all-or-nothing', [pay(300n), pay(400n)], 'third'), batch);
  assert.deepEqual(
    batch.transfers.posted.map(({ amount }) => amount),
    [100n, 200n, 300n, 400n],
  );
  assert.equal(batch.accounts.get('w1').balance, 0n);
});
