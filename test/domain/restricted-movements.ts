// Movements of every kind between wallets that freezes and closing restrict, as the domain decides them.
import assert from 'node:assert/strict';
import type { Account, AccountKind } from '../../src/domain/account.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import type { Restriction } from '../../src/domain/restriction.ts';
import { END_OF_TIME } from '../../src/domain/time.ts';
import type { TransferKind } from '../../src/domain/transfer.ts';
import { batchOf } from './batch.ts';

/** The moment of each movement. */
export const NOW = 1_000_000;
/** Nothing is restricted. */
export const NONE: Restriction = {
  closedAt: undefined,
  frozenOutUntil: undefined,
  frozenInUntil: undefined,
  userFrozenOutUntil: undefined,
  userFrozenInUntil: undefined,
};
/** The users on both sides. */
export const [PAYER, PAYEE] = [1n, 2n];

const account = (id: string, kind: AccountKind, ownerUserId: bigint, restriction?: Restriction): Account => ({
  id,
  kind,
  currency: 'KRW',
  ownerUserId: kind === 'wallet' ? ownerUserId : undefined,
  isDefault: kind === 'wallet',
  displayName: '',
  balance: 100n,
  overdraftLimit: 0n,
  heldAmount: 0n,
  restriction: kind === 'wallet' ? restriction : undefined,
  version: 1,
  createdAt: 0,
  updatedAt: 0,
});

/** The kinds of accounts that each kind of movement is between; a refund has two ways. */
export const ENDS: Readonly<
  Record<TransferKind, readonly (readonly [from: AccountKind, to: AccountKind])[]>
> = {
  deposit: [['external', 'wallet']],
  withdrawal: [['wallet', 'external']],
  transfer: [['wallet', 'wallet']],
  sprinkle: [['wallet', 'sprinkle']],
  claim: [['sprinkle', 'wallet']],
  refund: [
    ['wallet', 'wallet'],
    ['payout', 'wallet'],
  ],
  payout: [['wallet', 'payout']],
  payout_line: [['payout', 'wallet']],
  hold: [['wallet', 'hold']],
  capture: [['hold', 'wallet']],
  void: [['hold', 'wallet']],
  gift: [['wallet', 'hold']],
  gift_accept: [['hold', 'wallet']],
  gift_return: [['hold', 'wallet']],
  reversal: [['wallet', 'wallet']],
};
/** What restricts the payer and the payee. */
export type Restrictions = readonly [payer: Restriction | undefined, payee?: Restriction | undefined];

/** The refusal of a movement; undefined where it is made. */
export function refusalOf(
  kind: TransferKind,
  [from, to]: readonly [AccountKind, AccountKind],
  [payer, payee]: Restrictions,
  callerId: bigint,
): Refusal | undefined {
  const [debit, credit] = [account('a', from, PAYER, payer), account('b', to, PAYEE, payee)];
  const batch = batchOf(NOW, [debit, credit]);
  batch.callerId = callerId;
  try {
    batch.transfers.post({ kind, debit, credit, amount: 10n });
    return undefined;
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error));
    assert.deepEqual([batch.transfers.posted, batch.accounts.changed()], [[], []]);
    return error;
  }
}

/** A freeze of a wallet or of its user. */
export const frozen = (way: 'Out' | 'In', whose: '' | 'user' = '', until = END_OF_TIME): Restriction => ({
  ...NONE,
  [whose ? `userFrozen${way}Until` : `frozen${way}Until`]: until,
});
