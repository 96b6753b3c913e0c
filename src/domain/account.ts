// An account: a balance in one currency, and how far it may go.
import type { Currency } from './currency.ts';
import { Refusal } from './refusal.ts';
import type { Micros } from './time.ts';

/** What an account is for. Only `external`, the world outside, may go below its limit. */
export type AccountKind = 'wallet' | 'sprinkle' | 'payout' | 'external';

/** A row of the ledger with a balance. */
export interface Account {
  readonly id: string;
  readonly kind: AccountKind;
  readonly currency: Currency;
  /** The owner of a wallet; undefined for pots and external accounts. */
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

/** The largest balance: the limit of a bigint column. */
export const MAX_BALANCE = 2n ** 63n - 1n;

/** The account after `amount` has left it. Refuses BALANCE_TOO_LOW, BALANCE_TOO_HIGH. */
export function debited(account: Account, amount: bigint, at: Micros): Account {
  const balance = account.balance - amount;
  if (account.kind !== 'external' && balance < -account.overdraftLimit) throw new Refusal('BALANCE_TOO_LOW');
  return changed(account, balance, at);
}

/** The account after `amount` has come in. Refuses BALANCE_TOO_HIGH. */
export function credited(account: Account, amount: bigint, at: Micros): Account {
  return changed(account, account.balance + amount, at);
}

function changed(account: Account, balance: bigint, at: Micros): Account {
  if (balance > MAX_BALANCE || balance < -MAX_BALANCE) throw new Refusal('BALANCE_TOO_HIGH');
  return { ...account, balance, version: account.version + 1, updatedAt: at };
}
