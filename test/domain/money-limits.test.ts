// The rules of limits on money: which movements count, when a day and a month are over, and what is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Account } from '../../src/domain/account.ts';
import { Limits } from '../../src/domain/batch/limits.ts';
import { Transfers } from '../../src/domain/batch/transfers.ts';
import { Calendar } from '../../src/domain/calendar.ts';
import { LimitPolicies, type Limits as LimitsByKind, NOTHING_SET } from '../../src/domain/limit-policy.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { MICROS_PER_MS } from '../../src/domain/time.ts';
import { NOTHING_MOVED, type Usage } from '../../src/domain/usage.ts';
import { batchOf } from './batch.ts';

const at = (text: string) => Date.parse(text) * MICROS_PER_MS;
const seoul = new Calendar('Asia/Seoul');
const NOON = at('2026-11-26T03:00:00Z');

const today: Usage = {
  ...NOTHING_MOVED,
  ...{ day: seoul.day(NOON).start, month: seoul.month(NOON).start, hasPots: false },
};

const wallet = (
  user: bigint,
  balance: bigint,
  usage: Partial<Usage> = {},
  change: Partial<Account> = {},
): Account => ({
  id: `00000000-0000-4000-8000-00000000000${user}`,
  kind: 'wallet',
  currency: 'KRW',
  ownerUserId: user,
  isDefault: true,
  displayName: '',
  balance,
  overdraftLimit: 0n,
  heldAmount: 0n,
  restriction: undefined,
  version: 0,
  createdAt: 0,
  updatedAt: NOON - 1,
  usage: { ...today, ...usage },
  owner: { ...NOTHING_SET, hasMore: false },
  ...change,
});

const outside: Account = (() => {
  const { usage: _usage, owner: _owner, ...rest } = wallet(9n, 0n);
  return { ...rest, kind: 'external', ownerUserId: undefined, isDefault: false };
})();

function batchWith(limits: LimitsByKind, accounts: readonly Account[], moment = NOON) {
  const batch = batchOf(moment, accounts);
  const policies = new LimitPolicies('1', 'Asia/Seoul', [{ tier: 'unverified', currency: 'KRW', limits }]);
  const limited = Object.assign(batch, { limits: new Limits(policies, batch) });
  // The calls of these tests are those of the first user, unless they say otherwise.
  return Object.assign(limited, { transfers: new Transfers(limited), callerId: 1n });
}

const refusalOf = (work: () => unknown): Refusal | undefined => {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  return undefined;
};

test('days and months begin and end where the zone says', () => {
  const iso = (moment: number) => new Date(moment / MICROS_PER_MS).toISOString();
  const bounds = (zone: string, moment: string) => {
    const calendar = new Calendar(zone);
    const [day, month] = [calendar.day(at(moment)), calendar.month(at(moment))];
    return [day.start, day.end, month.start, month.end].map(iso).map((text) => text.slice(0, 16));
  };
  assert.deepEqual(bounds('Asia/Seoul', '2026-11-30T15:00:00Z'), [
    ...['2026-11-30T15:00', '2026-12-01T15:00', '2026-11-30T15:00', '2026-12-31T15:00'],
  ]);
  assert.deepEqual(bounds('Asia/Seoul', '2026-11-30T14:59:59.999Z').slice(0, 2), [
    ...['2026-11-29T15:00', '2026-11-30T15:00'],
  ]);
  // This day has no midnight: clocks go from 23:59 to 01:00.
  assert.deepEqual(bounds('Africa/Cairo', '2025-04-25T05:00:00Z').slice(0, 2), [
    ...['2025-04-24T22:00', '2025-04-25T21:00'],
  ]);
});

test('each limit refuses the first amount above it, and nothing that fits', () => {
  const moved = { dayOut: 600n, monthOut: 900n, dayIn: 600n, monthIn: 900n, dayCount: 4n };
  const cases: readonly (readonly [LimitsByKind, bigint, string])[] = [
    [{ call: 100n }, 100n, 'LIMIT_EXCEEDED'],
    [{ day_out: 1000n }, 400n, 'LIMIT_EXCEEDED'],
    [{ month_out: 1000n }, 100n, 'LIMIT_EXCEEDED'],
  ];
  for (const [limits, fits, reason] of cases) {
    const [payer, payee] = [wallet(1n, 10_000n, moved), wallet(2n, 0n)];
    const post = (amount: bigint) =>
      batchWith(limits, [payer, payee]).transfers.post({
        kind: 'transfer',
        debit: payer,
        credit: payee,
        amount,
      });
    assert.equal(
      refusalOf(() => post(fits)),
      undefined,
    );
    assert.equal(refusalOf(() => post(fits + 1n))?.reason, reason);
  }
  const incoming: readonly (readonly [LimitsByKind, bigint, string])[] = [
    [{ day_in: 1000n }, 400n, 'LIMIT_EXCEEDED'],
    [{ month_in: 1000n }, 100n, 'LIMIT_EXCEEDED'],
    [{ held: 1000n }, 300n, 'HOLDING_LIMIT_REACHED'],
  ];
  for (const [limits, fits, reason] of incoming) {
    const payee = wallet(2n, 500n, moved, { heldAmount: 200n });
    const [payer] = [wallet(1n, 10_000n)];
    const post = (amount: bigint, debit: Account) =>
      Object.assign(batchWith(limits, [payer, payee, outside]), {
        callerId: debit === outside ? 2n : 1n,
      }).transfers.post({
        kind: debit === outside ? 'deposit' : 'transfer',
        ...{ debit, credit: payee, amount },
      });
    for (const debit of [payer, outside])
      assert.equal(
        refusalOf(() => post(fits, debit)),
        undefined,
      );
    assert.equal(refusalOf(() => post(fits + 1n, outside))?.reason, reason);
    const other = refusalOf(() => post(fits + 1n, payer));
    assert.deepEqual([other?.reason, other?.metadata], ['RECEIVER_LIMIT_REACHED', undefined]);
  }
  const often = wallet(1n, 100n, moved);
  const twice = batchWith({ day_count: 5n }, [often, outside]);
  const withdraw = () =>
    twice.transfers.post({ kind: 'withdrawal', debit: often, credit: outside, amount: 1n });
  withdraw();
  assert.equal(refusalOf(withdraw)?.metadata?.limit_count, '5');
});

test('refunds and returns are never refused, and count as held only', () => {
  const [payer, payee] = [wallet(1n, 1000n), wallet(2n, 0n)];
  const none = { held: 0n, call: 0n, day_out: 0n, day_in: 0n, month_out: 0n, month_in: 0n, day_count: 0n };
  const batch = batchWith(none, [payer, payee]);
  batch.transfers.post({ kind: 'refund', debit: payer, credit: payee, amount: 500n });
  assert.deepEqual(batch.accounts.get(payee.id).usage, today);
  assert.equal(batch.limits.standingsOf(2n, 'KRW').find(({ kind }) => kind === 'held')?.used, 500n);
});

test('a refused call gives back what it used', () => {
  const [payer, payee] = [wallet(1n, 1000n), wallet(2n, 0n)];
  const batch = batchWith({ day_out: 500n }, [payer, payee]);
  const post = (amount: bigint) =>
    batch.transfers.post({ kind: 'transfer', debit: payer, credit: payee, amount });
  assert.throws(() =>
    batch.attempt(() => {
      post(300n);
      post(300n);
    }),
  );
  post(500n);
  assert.equal(batch.accounts.get(payer.id).usage?.dayOut, 500n);
});

test('a new day and a new month begin with nothing, within one batch too', () => {
  const used = { dayOut: 500n, monthOut: 500n };
  const late = at('2026-11-30T14:59:59Z');
  const payer = wallet(
    1n,
    10_000n,
    {
      ...used,
      ...{ day: seoul.day(late).start, month: seoul.month(late).start },
    },
    { updatedAt: late },
  );
  const post = (moment: number, amount: bigint, change: Partial<Account> = {}) => {
    const dated = { ...payer, ...change };
    return batchWith({ day_out: 500n, month_out: 500n }, [dated, outside], moment).transfers.post({
      ...{ kind: 'withdrawal', debit: dated, credit: outside, amount },
    });
  };
  assert.equal(refusalOf(() => post(late + 1, 1n))?.metadata?.resets_at, '2026-11-30T15:00:00.000Z');
  assert.equal(
    refusalOf(() => post(at('2026-11-30T15:00:00Z'), 500n)),
    undefined,
  );
  // The clock was set back over midnight: the wallet stays in the day of its last transfer.
  const ahead = at('2026-11-30T15:00:10Z');
  const change = {
    updatedAt: ahead,
    usage: { ...today, ...used, day: seoul.day(ahead).start, month: seoul.month(ahead).start },
  };
  assert.equal(refusalOf(() => post(late, 1n, change))?.reason, 'LIMIT_EXCEEDED');
});

test('a limit of a user takes the place of the policy until it ends', () => {
  const own = [{ currency: 'KRW', kind: 'held', limit: 100n, until: NOON + 1, reason: '' } as const];
  const policies = new LimitPolicies('1', 'Asia/Seoul', [
    { tier: 'unverified', currency: 'KRW', limits: { held: 50n, call: 5n } },
  ]);
  assert.deepEqual(policies.limitsOf({ tier: 'unverified', own }, 'KRW', NOON), { held: 100n, call: 5n });
  assert.deepEqual(policies.limitsOf({ tier: 'unverified', own }, 'KRW', NOON + 1), { held: 50n, call: 5n });
  assert.deepEqual(policies.limitsOf({ tier: 'verified', own }, 'KRW', NOON), { held: 100n });
  assert.deepEqual(policies.limitsOf({ tier: 'verified', own }, 'USD', NOON), {});
});

test('between own wallets nothing counts, and all of them count together', () => {
  const [first, second, stranger] = [
    wallet(1n, 400n, {}, { owner: { ...NOTHING_SET, hasMore: true } }),
    wallet(1n, 300n, { dayIn: 50n }, { id: '00000000-0000-4000-8000-00000000000a', isDefault: false }),
    wallet(2n, 1000n),
  ];
  const { owner: _owner, ...plain } = second;
  const batch = batchWith({ held: 1000n, day_in: 60n }, [first, plain, stranger]);
  batch.callerId = 2n;
  batch.limits.note('1/KRW', {
    ...{ held: 200n, wallets: [], walletIds: [first.id, second.id], potIds: [], hasPots: true },
  });
  batch.transfers.post({ kind: 'transfer', debit: first, credit: second, amount: 400n });
  const pay = (amount: bigint) =>
    batch.attempt(() => batch.transfers.post({ kind: 'transfer', debit: stranger, credit: first, amount }));
  assert.equal(refusalOf(() => pay(101n))?.reason, 'RECEIVER_LIMIT_REACHED', 'above what may come in');
  pay(10n);
  assert.equal(refusalOf(() => pay(1n))?.reason, 'RECEIVER_LIMIT_REACHED');
});
