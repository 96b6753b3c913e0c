// Rows of the ledger's tables as the domain knows them.
import type { Account, AccountKind } from '../domain/account.ts';
import type { Currency } from '../domain/currency.ts';
import type { Sprinkle } from '../domain/sprinkle.ts';
import type { Transfer, TransferKind } from '../domain/transfer.ts';
import { microsOf } from './sql.ts';

/** The columns that toAccount() reads, of accounts under the alias `a`. */
export const ACCOUNT_COLUMNS = `a.id, a.kind, a.currency, a.owner_user_id, a.is_default, a.display_name, a.balance,
  a.overdraft_limit, a.version, ${microsOf('a.created_at')} AS created_at, ${microsOf('a.updated_at')} AS updated_at`;

/** A row with ACCOUNT_COLUMNS, as the driver gives it: bigint columns are text. */
export interface AccountRow {
  id: string;
  kind: AccountKind;
  currency: Currency;
  owner_user_id: string | null;
  is_default: boolean;
  display_name: string;
  balance: string;
  overdraft_limit: string;
  version: string;
  created_at: string;
  updated_at: string;
}

export function toAccount(row: AccountRow): Account {
  return {
    id: row.id,
    kind: row.kind,
    currency: row.currency,
    ownerUserId: row.owner_user_id === null ? undefined : BigInt(row.owner_user_id),
    isDefault: row.is_default,
    displayName: row.display_name,
    balance: BigInt(row.balance),
    overdraftLimit: BigInt(row.overdraft_limit),
    version: Number(row.version),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}

/** The columns that toTransfer() reads, of transfers under the alias `t`. */
export const TRANSFER_COLUMNS = `t.id, ${microsOf('t.created_at')} AS created_at, t.kind, t.currency, t.amount,
  t.debit_account_id, t.credit_account_id, t.debit_balance_after, t.credit_balance_after, t.sprinkle_id, t.memo,
  t.key_id`;

/** A row with TRANSFER_COLUMNS. */
export interface TransferRow {
  id: string;
  created_at: string;
  kind: TransferKind;
  currency: Currency;
  amount: string;
  debit_account_id: string;
  credit_account_id: string;
  debit_balance_after: string;
  credit_balance_after: string;
  sprinkle_id: string | null;
  memo: string;
  key_id: string | null;
}

export function toTransfer(row: TransferRow): Transfer {
  return {
    id: row.id,
    createdAt: Number(row.created_at),
    kind: row.kind,
    currency: row.currency,
    amount: BigInt(row.amount),
    debitAccountId: row.debit_account_id,
    creditAccountId: row.credit_account_id,
    debitBalanceAfter: BigInt(row.debit_balance_after),
    creditBalanceAfter: BigInt(row.credit_balance_after),
    sprinkleId: row.sprinkle_id ?? undefined,
    memo: row.memo,
    keyId: row.key_id ?? undefined,
  };
}

/** The columns that toSprinkle() reads, of sprinkles under the alias `s`. */
export const SPRINKLE_COLUMNS = `s.id, s.room_id, s.token, s.creator_user_id, s.source_account_id, s.pot_account_id,
  s.currency, s.amount, cardinality(s.shares) AS headcount, s.claimed_count,
  ${microsOf('s.created_at')} AS created_at, ${microsOf('s.expires_at')} AS expires_at`;

/** A row with SPRINKLE_COLUMNS. */
export interface SprinkleRow {
  id: string;
  room_id: string;
  token: string;
  creator_user_id: string;
  source_account_id: string;
  pot_account_id: string;
  currency: Currency;
  amount: string;
  headcount: number;
  claimed_count: number;
  created_at: string;
  expires_at: string;
}

export function toSprinkle(row: SprinkleRow): Sprinkle {
  return {
    id: row.id,
    roomId: row.room_id,
    token: row.token,
    creatorUserId: BigInt(row.creator_user_id),
    sourceAccountId: row.source_account_id,
    potAccountId: row.pot_account_id,
    currency: row.currency,
    amount: BigInt(row.amount),
    headcount: row.headcount,
    claimedCount: row.claimed_count,
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
  };
}
