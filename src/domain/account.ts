// An account: a balance in one currency, and how far it may go.
import type { Currency } from './currency.ts';
import { Refusal } from './refusal.ts';
import type { Micros } from './time.ts';

/** What an account is for. Only `external`, the money outside, may go below its limit. */
export type AccountKind = 'wallet' | 'sprinkle' | 'payout' | 'external';

/** A row of the ledger with a balance. */
export interface Account {
  readonly id: string;
  readonly kind: AccountKind;
  readonly currency: Currency;
  /** The user whose wallet it is; none for a pot and for the outside. */
  readonly ownerUserId: bigint | undefined;
  readonly isDefault: boolean;
  readonly displayName: string;
  /** In the smallest unit of the currency. */
  readonly balance: bigint;
  /** How far below zero the balance may go. */
  readonly overdraftLimit: bigint;
  /** How many transfers have touched it. */
  readonly version: number;
  readonly createdAt: Micros;
  readonly updatedAt: Micros;
}

/** The most that an account can hold: what a bigint column of the database can. */
export const MAX_BALANCE = 2n ** 63n - 1n;

/** The account after so much has left it; refuses what its limit does not allow. */
export function debited(account: Account, amount: bigint, at: Micros): Account {
  const balance = account.balance - amount;
  if (account.kind !== 'external' && balance < -account.overdraftLimit) throw new Refusal('BALANCE_TOO_LOW');
  return changed(account, balance, at);
}

/** The account after so much has come into it. */
export function credited(account: Account, amount: bigint, at: Micros): Account {
  return changed(account, account.balance + amount, at);
}

function changed(account: Account, balance: bigint, at: Micros): Account {
  if (balance > MAX_BALANCE || balance < -MAX_BALANCE) throw new Refusal('BALANCE_TOO_HIGH');
  return { ...account, balance, version: account.version + 1, updatedAt: at };
}
