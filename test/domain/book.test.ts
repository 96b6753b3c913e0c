// The book: whatever is asked of it, money is neither made nor lost, nobody overdraws, and a refusal leaves no trace.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Account, AccountKind } from '../../src/domain/account.ts';
import { Book } from '../../src/domain/book.ts';
import { type LedgerCommand, systemCall } from '../../src/domain/command.ts';
import { decide } from '../../src/domain/decide.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { memberKey } from '../../src/domain/room-book.ts';
import { claimSprinkle } from '../../src/usecases/commands/claim-sprinkle.ts';
import { createSprinkle } from '../../src/usecases/commands/create-sprinkle.ts';
import { createTransfer } from '../../src/usecases/commands/create-transfer.ts';
import { deposit } from '../../src/usecases/commands/deposit.ts';
import { withdraw } from '../../src/usecases/commands/withdraw.ts';
import { seededRandom } from './dice.ts';

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
    version: 0,
    createdAt: 0,
    updatedAt: 0,
  };
}

function freshBook(balances: readonly bigint[], tokens: readonly string[] = []): Book {
  const wallets = USERS.map((user, index) => account(`w${user}`, 'wallet', user, balances[index] ?? 0n));
  const outside = account(
    'outside',
    'external',
    undefined,
    -balances.reduce((sum, balance) => sum + balance, 0n),
  );
  const rooms = {
    sprinkles: [],
    members: new Set(USERS.map((user) => memberKey(ROOM, user))),
    claims: new Set<string>(),
    freeTokens: new Map([[ROOM, tokens]]),
  };
  return new Book(
    {
      at: AT,
      accounts: [...wallets, outside],
      rooms,
      payouts: [],
      answers: new Map(),
      marks: new Map(),
    },
    seededRandom(7),
  );
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
      step(claimSprinkle, { userId, roomId: ROOM, token: 'zzz', wallet: walletOf(userId) }),
    ),
);

const everyAccount = (book: Book) => {
  const known = [...USERS.map((owner) => book.account(`w${owner}`)), book.account('outside')];
  return [...known, ...book.openedAccounts()];
};
const total = (book: Book) => everyAccount(book).reduce((sum, { balance }) => sum + balance, 0n);

/** Everything that the book would write. */
const trace = (book: Book) =>
  JSON.stringify(
    [everyAccount(book), book.newTransfers, book.newAnswers, book.rooms.newSprinkles, book.rooms.newClaims],
    (_key, value) => (typeof value === 'bigint' ? value.toString() : value),
  );

test('whatever calls come: the sum stays 0, nobody overdraws, a refused call leaves no trace', () => {
  const balances = fc.array(fc.bigInt({ min: 0n, max: 5000n }), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(balances, fc.array(anyStep, { maxLength: 40 }), (start, steps) => {
      const book = freshBook(start, ['aaa', 'bbb']);
      steps.forEach(({ command, intent, userId }, index) => {
        const before = trace(book);
        try {
          decide(
            { ...OURS, command, intent, key: { userId, key: `k${index}`, fingerprint: `f${index}` } },
            book,
          );
        } catch (error) {
          assert.ok(error instanceof Refusal, String(error));
          assert.equal(trace(book), before);
        }
        assert.equal(total(book), 0n);
        for (const { kind, balance } of everyAccount(book)) assert.ok(kind === 'external' || balance >= 0n);
      });
    }),
  );
});

test('transfers replayed from the start give the balances: they are the whole story', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
      const book = freshBook([1000n, 1000n, 1000n, 1000n], ['aaa', 'bbb', 'ccc']);
      const balances = new Map(everyAccount(book).map(({ id, balance }) => [id, balance]));
      steps.forEach(({ command, intent, userId }, index) => {
        try {
          decide({ ...OURS, command, intent, key: { userId, key: `k${index}`, fingerprint: '' } }, book);
        } catch (error) {
          assert.ok(error instanceof Refusal, String(error));
        }
      });
      for (const posted of book.newTransfers) {
        const debit = (balances.get(posted.debitAccountId) ?? 0n) - posted.amount;
        const credit = (balances.get(posted.creditAccountId) ?? 0n) + posted.amount;
        assert.equal(posted.debitBalanceAfter, debit);
        assert.equal(posted.creditBalanceAfter, credit);
        balances.set(posted.debitAccountId, debit).set(posted.creditAccountId, credit);
      }
      for (const { id, balance } of everyAccount(book)) assert.equal(balance, balances.get(id));
      const ids = book.newTransfers.map(({ id }) => id);
      assert.deepEqual([...ids].sort(), ids, 'the ids sort in the order of posting');
    }),
  );
});

test('the same key and request gets the same answer in the same batch; another request under it is refused', () => {
  const book = freshBook([1000n]);
  const intent = { userId: 1n, from: walletOf(1n), to: walletOf(2n), money: money(600n), memo: '' };
  const call = { ...OURS, ...step(createTransfer, intent), key: { userId: 1n, key: 'k', fingerprint: 'f' } };
  const answer = decide(call, book);
  assert.deepEqual(decide(call, book), answer);
  assert.equal(book.newTransfers.length, 1);
  assert.throws(
    () => decide({ ...call, key: { ...call.key, fingerprint: 'other' } }, book),
    (error) => error instanceof Refusal && error.reason === 'IDEMPOTENCY_KEY_REUSED',
  );
});

test('a refusal is not kept: the same key may succeed later', () => {
  const book = freshBook([0n, 500n]);
  const key = { userId: 1n, key: 'k', fingerprint: 'f' };
  const spend = { userId: 1n, from: walletOf(1n), to: walletOf(3n), money: money(500n), memo: '' };
  assert.throws(() => decide({ ...OURS, ...step(createTransfer, spend), key }, book), Refusal);
  const fund = { userId: 2n, from: walletOf(2n), to: walletOf(1n), money: money(500n), memo: '' };
  decide({ ...OURS, ...step(createTransfer, fund), key: { ...key, userId: 2n } }, book);
  decide({ ...OURS, ...step(createTransfer, spend), key }, book);
  assert.equal(book.account('w3').balance, 500n);
});

test('negative control: without the check of the limit the same property sees an overdraft', () => {
  const careless: LedgerCommand<{ userId: bigint; value: bigint }, bigint> = {
    readSet: () => ({}),
    decide: ({ userId, value }, book) => {
      const wallet = book.account(`w${userId}`);
      return { ...wallet, balance: wallet.balance - value }.balance;
    },
  };
  assert.throws(() =>
    fc.assert(
      fc.property(user, amount, (userId, value) => {
        const after = decide(
          { ...OURS, ...step(careless, { userId, value }), key: { userId, key: 'k', fingerprint: '' } },
          freshBook([1000n, 1000n, 1000n, 1000n]),
        );
        assert.ok((after as bigint) >= 0n);
      }),
    ),
  );
});
