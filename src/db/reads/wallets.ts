// Reads wallets with their balances.
import type { Pool } from 'pg';
import type { Account } from '../../domain/account.ts';
import { type Page, pageOf } from '../../domain/page.ts';
import type { Micros } from '../../domain/time.ts';
import { ACCOUNT_COLUMNS, type AccountRow, toAccount } from '../rows.ts';
import { microsOf, plainArray, timestamptz } from '../sql.ts';

const FIND = `SELECT ${ACCOUNT_COLUMNS} FROM accounts a WHERE a.id = ANY ($1::uuid[]) AND a.kind = 'wallet'`;

const FIND_DEFAULT = `SELECT ${ACCOUNT_COLUMNS} FROM accounts a WHERE a.owner_user_id = $1 AND a.is_default`;

const LIST = `
  SELECT ${ACCOUNT_COLUMNS} FROM accounts a
  WHERE a.owner_user_id = $1 AND a.kind = 'wallet'
    AND ($2::timestamptz IS NULL OR NOT a.is_default AND (a.created_at, a.id) > ($2, $3))
  ORDER BY a.is_default DESC, a.created_at, a.id LIMIT $4`;

/** The clock is read before the row, so a change that the row lacks is committed after `now`. */
/*
 * The lock of the wallet is tried: a transaction whose COMMIT hangs, because a synchronous standby is away, holds it, and may
 * have dated a transfer more than a minute ago. A wallet that is locked is left out. Nothing is written that a standby has to have.
 */
const LAST_CHANGE = `
  WITH session AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
    free AS MATERIALIZED (SELECT id FROM accounts WHERE id = $1 FOR SHARE SKIP LOCKED)
  SELECT ${microsOf('statement_timestamp()')} AS now, ${microsOf('a.updated_at')} AS last_change, EXISTS (SELECT FROM free) AS is_free
  FROM session, accounts a WHERE a.id = $1`;

/** Where the next page begins: after the wallet of that moment and id, which the default one is before. */
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

/** Before all but the default wallet. */
const AFTER_DEFAULT: WalletPlace = { createdAt: 0, id: '00000000-0000-0000-0000-000000000000' };

/** A user's wallets, the default one first, then oldest first. */
export async function listWallets(
  pool: Pool,
  userId: bigint,
  after: WalletPlace | undefined,
  size: number,
): Promise<Page<Account, WalletPlace>> {
  const values = [userId, after ? timestamptz(after.createdAt) : null, after?.id ?? null, size + 1];
  const { rows } = await pool.query<AccountRow>({ name: 'list-wallets', text: LIST, values });
  return pageOf(rows.map(toAccount), size, ({ isDefault, createdAt, id }) =>
    isDefault ? AFTER_DEFAULT : { createdAt, id },
  );
}

/**
 * When a wallet was last changed, the time at which it was asked, and whether no transaction that may change it was under way
 * then; undefined when there is no such account. It takes a lock for a moment, so only the primary can be asked.
 */
export async function findLastChange(
  pool: Pool,
  id: string,
): Promise<{ readonly now: Micros; readonly lastChange: Micros; readonly isFree: boolean } | undefined> {
  const { rows } = await pool.query<{ now: string; last_change: string; is_free: boolean }>({
    name: 'find-last-change',
    text: LAST_CHANGE,
    values: [id],
  });
  const [row] = rows;
  return row && { now: Number(row.now), lastChange: Number(row.last_change), isFree: row.is_free };
}
