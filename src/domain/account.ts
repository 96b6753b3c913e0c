// An account: a balance in one currency, and how far it may go.
import type { Currency } from './currency.ts';
import type { UserLimits } from './limit-policy.ts';
import { Refusal } from './refusal.ts';
import type { Restriction } from './restriction.ts';
import type { Micros } from './time.ts';
import type { Usage } from './usage.ts';

/** What an account is for. Only `external`, the world outside, may go below its limit. */
export type AccountKind = 'wallet' | 'sprinkle' | 'payout' | 'hold' | 'external';

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
  /** What is set aside in open holds on a wallet, in the smallest unit of the currency; not part of the balance. */
  readonly heldAmount: bigint;
  /** What keeps money from moving; undefined where nothing does, as nearly always, and for all that is no wallet. */
  readonly restriction: Restriction | undefined;
  /** How many transfers, changes of holds and changes of the wallet itself have touched it. */
  readonly version: number;
  readonly createdAt: Micros;
  readonly updatedAt: Micros;
  /** What a wallet has moved; left out where no limits are in force, and where it was not counted. */
  readonly usage?: Usage;
  /** What a default wallet says of its owner; left out where no limits are in force. */
  readonly owner?: WalletOwner;
}

/** What limits go by of the owner of a default wallet. */
export interface WalletOwner extends UserLimits {
  /** Whether it has other wallets. */
  readonly hasMore: boolean;
}

/** A wallet as answers keep it: without what limits go by, such as what operators set for its owner, and why. */
export function withoutLimits({ usage: _usage, owner: _owner, ...wallet }: Account): Account {
  return wallet;
}

/** The largest balance: the limit of a bigint column. */
const MAX_BALANCE = 2n ** 63n - 1n;

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
