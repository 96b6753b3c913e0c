// What freezes and closed wallets forbid, for every kind of movement, also for those that only jobs make.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AccountKind } from '../../src/domain/account.ts';
import { inheritedBy, type Restriction, walletStateAt } from '../../src/domain/restriction.ts';
import { END_OF_TIME } from '../../src/domain/time.ts';
import { TRANSFER_KINDS, type TransferKind } from '../../src/domain/transfer.ts';
import {
  ENDS,
  frozen,
  NONE,
  NOW,
  PAYEE,
  PAYER,
  type Restrictions,
  refusalOf,
} from './restricted-movements.ts';

const GIVES_BACK = (kind: TransferKind, from: AccountKind) =>
  kind === 'void' ||
  kind === 'gift_return' ||
  kind === 'reversal' ||
  (kind === 'refund' && from !== 'wallet');

for (const kind of TRANSFER_KINDS) {
  describe(`a ${kind}`, () => {
    for (const ends of ENDS[kind]) {
      const [from, to] = ends;
      test(`from ${from} to ${to}`, () => {
        const reason = (restrictions: Restrictions, callerId = PAYER) =>
          refusalOf(kind, ends, restrictions, callerId)?.reason;
        const pays = from === 'wallet' && kind !== 'reversal';
        const isPaid = to === 'wallet' && !GIVES_BACK(kind, from);
        for (const whose of ['', 'user'] as const) {
          const [out, into] = [frozen('Out', whose), frozen('In', whose)];
          assert.equal(reason([out, out]), pays ? 'WALLET_FROZEN' : undefined);
          assert.equal(reason([into, into]), isPaid ? 'RECEIVER_UNAVAILABLE' : undefined);
          assert.equal(reason([undefined, into], PAYEE), isPaid ? 'WALLET_FROZEN' : undefined);
        }
        const closed = { ...NONE, closedAt: 5 };
        assert.equal(reason([closed, undefined]), pays ? 'WALLET_CLOSED' : undefined);
        assert.equal(reason([undefined, closed]), isPaid ? 'RECEIVER_UNAVAILABLE' : undefined);
        assert.equal(reason([undefined, closed], PAYEE), isPaid ? 'WALLET_CLOSED' : undefined);
        assert.equal(reason([undefined, undefined]), undefined);
      });
    }
  });
}

test('a freeze is over at its end, and until then its owner alone is told of it', () => {
  const until = NOW + 1;
  const ends = ['wallet', 'wallet'] as const;
  assert.equal(refusalOf('transfer', ends, [frozen('Out', '', NOW)], PAYER), undefined);
  assert.deepEqual(refusalOf('transfer', ends, [frozen('Out', '', until)], PAYER)?.metadata, {
    wallet_id: 'a',
    direction: 'OUT',
    frozen_until: '1970-01-01T00:00:01.001Z',
  });
  assert.deepEqual(refusalOf('transfer', ends, [frozen('Out')], PAYER)?.metadata, {
    wallet_id: 'a',
    direction: 'OUT',
  });
  const away = refusalOf('transfer', ends, [undefined, frozen('In', '', until)], PAYER);
  assert.deepEqual([away?.reason, away?.metadata, away?.violations], ['RECEIVER_UNAVAILABLE', undefined, []]);
});

test('the state of a wallet is what its own freezes and those of its user come to', () => {
  const stateOf = (restriction: Partial<Restriction>, at = NOW) =>
    walletStateAt({ ...NONE, ...restriction }, at);
  assert.equal(walletStateAt(undefined, NOW), 'open');
  assert.equal(stateOf({ frozenOutUntil: END_OF_TIME }), 'frozen-out');
  assert.equal(stateOf({ userFrozenInUntil: END_OF_TIME }), 'frozen-in');
  assert.equal(stateOf({ frozenOutUntil: NOW + 1, userFrozenInUntil: END_OF_TIME }), 'frozen');
  assert.equal(stateOf({ frozenOutUntil: NOW, userFrozenInUntil: END_OF_TIME }), 'frozen-in');
  assert.equal(stateOf({ frozenOutUntil: NOW + 1 }, NOW + 1), 'open');
  assert.equal(stateOf({ closedAt: 1, frozenOutUntil: END_OF_TIME }), 'closed');
});

test('a new wallet takes over the freezes of its user and nothing else', () => {
  const user = { userFrozenOutUntil: END_OF_TIME, userFrozenInUntil: undefined };
  assert.equal(inheritedBy(undefined), undefined);
  assert.equal(inheritedBy({ ...NONE, closedAt: 1, frozenInUntil: END_OF_TIME }), undefined);
  assert.deepEqual(inheritedBy({ ...NONE, closedAt: 1, frozenInUntil: 5, ...user }), { ...NONE, ...user });
});
