// A batch: whatever its calls are, money is neither made nor lost, nobody overdraws, and a refusal leaves no trace.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Account, AccountKind } from '../../src/domain/account.ts';
import { type LedgerCommand, systemCall } from '../../src/domain/batch/command.ts';
import { decide } from '../../src/domain/batch/decide.ts';
import type { LedgerBatch } from '../../src/domain/batch/ledger-batch.ts';
import { memberKey } from '../../src/domain/batch/rooms.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { claimSprinkle } from '../../src/usecases/commands/claim-sprinkle.ts';
import { createSprinkle } from '../../src/usecases/commands/create-sprinkle.ts';
import { createTransfer } from '../../src/usecases/commands/create-transfer.ts';
import { deposit } from '../../src/usecases/commands/deposit.ts';
import { withdraw } from '../../src/usecases/commands/withdraw.ts';
import { batchOf } from './batch.ts';

const AT = 1_790_000_000_000_000;
const USERS = [1n, 2n, 3n, 4n];
const ROOM = 'demo';
const OURS = { info: systemCall('test') };

function account(id: string, kind: AccountKind, ownerUserId: bigint | undefined, balance: bigint): Account {
  return {
    id,
    kind,
    currency: 'KRW',
    ownerUserId,
    isDefault: kind === 'wallet',
    displayName: '',
    balance,
    overdraftLimit: 0n,
    heldAmount: 0n,
    restriction: undefined,
    version: 0,
    createdAt: 0,
    updatedAt: 0,
  };
}

function freshBatch(balances: readonly bigint[], tokens: readonly string[] = []): LedgerBatch {
  const wallets = USERS.map((user, index) => account(`w${user}`, 'wallet', user, balances[index] ?? 0n));
  const outside = account(
    'outside',
    'external',
    undefined,
    -balances.reduce((sum, balance) => sum + balance, 0n),
  );
  return batchOf(AT, [...wallets, outside], {
    members: new Set(USERS.map((user) => memberKey(ROOM, user))),
    freeTokens: new Map([[ROOM, tokens]]),
  });
}

const user = fc.constantFrom(...USERS);
const amount = fc.bigInt({ min: 1n, max: 3000n });
const money = (value: bigint) => ({ currency: 'KRW', amount: value, field: 'amount' }) as const;
const walletOf = (owner: bigint) => ({ defaultOf: owner, field: 'user' });

interface Step {
  readonly command: LedgerCommand<unknown, unknown>;
  readonly intent: unknown;
  readonly userId: bigint;
}
const step = <I, O>(command: LedgerCommand<I, O>, intent: I & { userId: bigint }): Step => ({
  command: command as LedgerCommand<unknown, unknown>,
  intent,
  userId: intent.userId,
});

const anyStep = fc.oneof(
  fc.record({ userId: user, to: user, value: amount }).map(({ userId, to, value }) =>
    step(createTransfer, {
      userId,
      from: walletOf(userId),
      to: walletOf(to),
      money: money(value),
      memo: '',
    }),
  ),
  fc
    .record({ userId: user, value: amount })
    .map(({ userId, value }) =>
      step(deposit, { userId, wallet: walletOf(userId), money: money(value), memo: '' }),
    ),
  fc
    .record({ userId: user, value: amount })
    .map(({ userId, value }) =>
      step(withdraw, { userId, wallet: walletOf(userId), money: money(value), memo: '' }),
    ),
  fc
    .record({ userId: user, value: amount, headcount: fc.integer({ min: 1, max: 5 }) })
    .map(({ userId, value, headcount }) =>
      step(createSprinkle, {
        userId,
        roomId: ROOM,
        roomField: 'room',
        wallet: walletOf(userId),
        money: money(value),
        headcount,
        lifetimeMs: 600_000,
      }),
    ),
  fc
    .record({ userId: user })
    .map(({ userId }) =>
      step(claimSprinkle, { userId, roomId: ROOM, token: 'zzz', wallet: walletOf(userId), nonce: '' }),
    ),
);

const everyAccount = (batch: LedgerBatch) => {
  const known = [...USERS.map((owner) => batch.accounts.get(`w${owner}`)), batch.accounts.get('outside')];
  return [...known, ...batch.accounts.opened()];
};
const total = (batch: LedgerBatch) => everyAccount(batch).reduce((sum, { balance }) => sum + balance, 0n);

/** Everything that the batch would write. */
const trace = (batch: LedgerBatch) =>
  JSON.stringify(
    [
      everyAccount(batch),
      batch.transfers.posted,
      batch.answers.added,
      batch.sprinkles.created,
      batch.sprinkles.claims,
    ],
    (_key, value) => (typeof value === 'bigint' ? value.toString() : value),
  );

test('property: the sum stays 0, no wallet is overdrawn, a refused call changes nothing', () => {
  const balances = fc.array(fc.bigInt({ min: 0n, max: 5000n }), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(balances, fc.array(anyStep, { maxLength: 40 }), (start, steps) => {
      const batch = freshBatch(start, ['aaa', 'bbb']);
      steps.forEach(({ command, intent, userId }, index) => {
        const before = trace(batch);
        try {
          decide(
            { ...OURS, command, intent, key: { userId, key: `k${index}`, fingerprint: `f${index}` } },
            batch,
          );
        } catch (error) {
          assert.ok(error instanceof Refusal, String(error));
          assert.equal(trace(batch), before);
        }
        assert.equal(total(batch), 0n);
        for (const { kind, balance } of everyAccount(batch)) assert.ok(kind === 'external' || balance >= 0n);
      });
    }),
  );
});

test('transfers replayed from the start give the balances: they are the whole story', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
      const batch = freshBatch([1000n, 1000n, 1000n, 1000n], ['aaa', 'bbb', 'ccc']);
      const balances = new Map(everyAccount(batch).map(({ id, balance }) => [id, balance]));
      steps.forEach(({ command, intent, userId }, index) => {
        try {
          decide({ ...OURS, command, intent, key: { userId, key: `k${index}`, fingerprint: '' } }, batch);
        } catch (error) {
          assert.ok(error instanceof Refusal, String(error));
        }
      });
      for (const posted of batch.transfers.posted) {
        const debit = (balances.get(posted.debitAccountId) ?? 0n) - posted.amount;
        const credit = (balances.get(posted.creditAccountId) ?? 0n) + posted.amount;
        assert.equal(posted.debitBalanceAfter, debit);
        assert.equal(posted.creditBalanceAfter, credit);
        balances.set(posted.debitAccountId, debit).set(posted.creditAccountId, credit);
      }
      for (const { id, balance } of everyAccount(batch)) assert.equal(balance, balances.get(id));
      const ids = batch.transfers.posted.map(({ id }) => id);
      assert.deepEqual([...ids].sort(), ids, 'the ids sort in the order of posting');
    }),
  );
});

test('the same key and request gets the same answer in the same batch; another request under it is refused', () => {
  const batch = freshBatch([1000n]);
  const intent = { userId: 1n, from: walletOf(1n), to: walletOf(2n), money: money(600n), memo: '' };
  const call = { ...OURS, ...step(createTransfer, intent), key: { userId: 1n, key: 'k', fingerprint: 'f' } };
  const answer = decide(call, batch);
  assert.deepEqual(decide(call, batch), answer);
  assert.equal(batch.transfers.posted.length, 1);
  assert.throws(
    () => decide({ ...call, key: { ...call.key, fingerprint: 'other' } }, batch),
    (error) => error instanceof Refusal && error.reason === 'IDEMPOTENCY_KEY_REUSED',
  );
});

test('a refusal is not kept: the same key may succeed later', () => {
  const batch = freshBatch([0n, 500n]);
  const key = { userId: 1n, key: 'k', fingerprint: 'f' };
  const spend = { userId: 1n, from: walletOf(1n), to: walletOf(3n), money: money(500n), memo: '' };
  assert.throws(() => decide({ ...OURS, ...step(createTransfer, spend), key }, batch), Refusal);
  const fund = { userId: 2n, from: walletOf(2n), to: walletOf(1n), money: money(500n), memo: '' };
  decide({ ...OURS, ...step(createTransfer, fund), key: { ...key, userId: 2n } }, batch);
  decide({ ...OURS, ...step(createTransfer, spend), key }, batch);
  assert.equal(batch.accounts.get('w3').balance, 500n);
});

test('negative control: without the check of the limit the same property sees an overdraft', () => {
  const careless: LedgerCommand<{ userId: bigint; value: bigint }, bigint> = {
    readSet: () => ({}),
    decide: ({ userId, value }, batch) => {
      const wallet = batch.accounts.get(`w${userId}`);
      return { ...wallet, balance: wallet.balance - value }.balance;
    },
  };
  assert.throws(() =>
    fc.assert(
      fc.property(user, amount, (userId, value) => {
        const after = decide(
          { ...OURS, ...step(careless, { userId, value }), key: { userId, key: 'k', fingerprint: '' } },
          freshBatch([1000n, 1000n, 1000n, 1000n]),
        );
        assert.ok((after as bigint) >= 0n);
      }),
    ),
  );
});
