// Closing a wallet in the batch in which earlier calls set its money aside, or open another wallet of its user; and what answers
// keep of a wallet.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Account } from '../../src/domain/account.ts';
import type { LedgerBatch } from '../../src/domain/batch/ledger-batch.ts';
import { Payouts } from '../../src/domain/batch/payouts.ts';
import { QuotaCounts } from '../../src/domain/batch/quotas.ts';
import { memberKey } from '../../src/domain/batch/rooms.ts';
import { WalletChanges } from '../../src/domain/batch/wallet-changes.ts';
import type { Payout } from '../../src/domain/payout.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { closeWallet, updateWallet } from '../../src/usecases/commands/change-wallet.ts';
import { createSprinkle } from '../../src/usecases/commands/create-sprinkle.ts';
import { createWallet } from '../../src/usecases/commands/create-wallet.ts';
import { startPayoutCommand } from '../../src/usecases/commands/start-payout.ts';
import { batchOf } from './batch.ts';

const AT = 1_790_000_000_000_000;
const ROOM = 'demo';
const USER = 1n;

const account = (id: string, kind: Account['kind'], balance: bigint, isDefault = false): Account => ({
  id,
  kind,
  currency: 'KRW',
  ownerUserId: kind === 'wallet' ? USER : undefined,
  isDefault,
  displayName: '',
  balance,
  overdraftLimit: 0n,
  heldAmount: 0n,
  restriction: undefined,
  version: 0,
  createdAt: 0,
  updatedAt: 0,
});

const DRAFT: Payout = {
  id: 'payout',
  ownerUserId: USER,
  sourceAccountId: 'spare',
  potAccountId: 'pot',
  currency: 'KRW',
  mode: 'all-or-nothing',
  memo: '',
  state: 'draft',
  lineCount: 1,
  badCount: 0,
  totalAmount: 100n,
  fundedAmount: 0n,
  paidAmount: 0n,
  paidCount: 0,
  failedCount: 0,
  createdAt: AT,
  startedAt: undefined,
  endedAt: undefined,
};

/** A batch that has read of both wallets of a user that nothing is set aside, and has the spare one beside the default one or not. */
function batchWith({ hasSpare }: { readonly hasSpare: boolean }): LedgerBatch {
  const wallets = [
    account('home', 'wallet', 0n, true),
    ...(hasSpare ? [account('spare', 'wallet', 100n)] : []),
  ];
  const batch = batchOf(AT, [...wallets, account('pot', 'payout', 0n)], {
    members: new Set([memberKey(ROOM, USER)]),
    freeTokens: new Map([[ROOM, ['abc']]]),
  });
  const nothing = { hasOpenPots: false, openBeside: hasSpare ? 1 : 0 };
  const facts = new Map(wallets.map(({ id }) => [id, nothing]));
  return Object.assign(batch, {
    payouts: new Payouts([DRAFT], batch),
    quotas: new QuotaCounts(new Map([[USER, { walletsPerUser: 1, payoutDraftsPerUser: 0 }]]), batch),
    walletChanges: new WalletChanges(facts, batch),
  });
}

const refuses = (batch: LedgerBatch, walletId: string, reason: string) =>
  assert.throws(
    () => closeWallet.decide({ walletId, userId: USER }, batch),
    (error) => error instanceof Refusal && error.reason === reason,
  );

test('a wallet whose money a sprinkle of the same batch has is not closed', () => {
  const batch = batchWith({ hasSpare: true });
  const money = { currency: 'KRW', amount: 100n, field: 'amount' } as const;
  const wallet = { walletId: 'spare', field: 'wallet_id' };
  const intent = { userId: USER, roomId: ROOM, roomField: 'room_id', wallet, money };
  createSprinkle.decide({ ...intent, headcount: 1, lifetimeMs: 600_000 }, batch);
  refuses(batch, 'spare', 'WALLET_IN_USE');
});

test('a wallet whose money a payout has that the same batch started is not closed', () => {
  const batch = batchWith({ hasSpare: true });
  startPayoutCommand.decide({ payout: DRAFT, lineCount: 1 }, batch);
  refuses(batch, 'spare', 'WALLET_IN_USE');
});

test('a default wallet is not closed where the same batch opened another one', () => {
  const batch = batchWith({ hasSpare: false });
  createWallet.decide({ userId: USER, currency: 'KRW', displayName: 'spare' }, batch);
  refuses(batch, 'home', 'WALLET_IS_DEFAULT');
});

test('a call that was refused sets nothing aside', () => {
  const batch = batchWith({ hasSpare: false });
  assert.throws(() =>
    batch.attempt(() => {
      createWallet.decide({ userId: USER, currency: 'KRW', displayName: 'spare' }, batch);
      throw new Refusal('QUOTA_EXCEEDED');
    }),
  );
  assert.ok(closeWallet.decide({ walletId: 'home', userId: USER }, batch).restriction?.closedAt);
});

test('answers keep nothing of what limits go by', () => {
  const batch = batchWith({ hasSpare: false });
  const own = { currency: 'KRW', kind: 'held', limit: 1n, until: AT, reason: 'case 9' } as const;
  batch.accounts.replace({
    ...batch.accounts.get('home'),
    owner: { tier: 'minor', own: [own], hasMore: false },
  });
  const wallet = { walletId: 'home', field: 'wallet_id' };
  const intent = { userId: USER, wallet, displayName: 'travel', isDefault: undefined };
  const updated = updateWallet.decide(intent, batch).wallet;
  const closed = closeWallet.decide({ walletId: 'home', userId: USER }, batch);
  const again = closeWallet.decide({ walletId: 'home', userId: USER }, batch);
  for (const answer of [updated, closed, again]) assert.ok(!('owner' in answer));
  assert.equal(batch.accounts.get('home').owner?.tier, 'minor');
});
