// Reads wallets with their balances.
import type { Pool } from 'pg';
import type { Account } from '../../domain/account.ts';
import { type Page, pageOf } from '../../domain/page.ts';
import type { Micros } from '../../domain/time.ts';
import { ACCOUNT_COLUMNS, type AccountRow, toAccount } from '../rows.ts';
import { plainArray, timestamptz } from '../sql.ts';

const FIND = `SELECT ${ACCOUNT_COLUMNS} FROM accounts a WHERE a.id = ANY ($1::uuid[]) AND a.kind = 'wallet'`;

const FIND_DEFAULT = `SELECT ${ACCOUNT_COLUMNS} FROM accounts a WHERE a.owner_user_id = $1 AND a.is_default`;

const LIST = `
  SELECT ${ACCOUNT_COLUMNS} FROM accounts a
  WHERE a.owner_user_id = $1 AND a.kind = 'wallet' AND (a.created_at, a.id) > ($2, $3)
  ORDER BY a.created_at, a.id LIMIT $4`;

/** Where the next page begins: after the wallet of that moment and id. */
export interface WalletPlace {
  readonly createdAt: Micros;
  readonly id: string;
}

/** The wallets with these ids; those that don't exist are left out. */
export async function findWallets(pool: Pool, ids: readonly string[]): Promise<Account[]> {
  const { rows } = await pool.query<AccountRow>({
    name: 'find-wallets',
    text: FIND,
    values: [plainArray(ids)],
  });
  return rows.map(toAccount);
}

/** The default wallet of a user; undefined when there is no such user. */
export async function findDefaultWallet(pool: Pool, userId: bigint): Promise<Account | undefined> {
  const { rows } = await pool.query<AccountRow>({
    name: 'find-default-wallet',
    text: FIND_DEFAULT,
    values: [userId],
  });
  return rows[0] && toAccount(rows[0]);
}

/** A user's wallets, oldest first; the default one is the oldest. */
export async function listWallets(
  pool: Pool,
  userId: bigint,
  after: WalletPlace | undefined,
  size: number,
): Promise<Page<Account, WalletPlace>> {
  const { createdAt, id } = after ?? { createdAt: 0, id: '00000000-0000-0000-0000-000000000000' };
  const values = [userId, timestamptz(createdAt), id, size + 1];
  const { rows } = await pool.query<AccountRow>({ name: 'list-wallets', text: LIST, values });
  return pageOf(rows.map(toAccount), size, (wallet) => ({ createdAt: wallet.createdAt, id: wallet.id }));
}
