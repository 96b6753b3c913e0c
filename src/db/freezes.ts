// Freezes, set and lifted, and closed wallets, opened again: by functions of the database's owner that only the login of admin.v1
// may call (migrations 0100 and 0101).
import type { Pool } from 'pg';
import type { Account } from '../domain/account.ts';
import type { Freeze, FreezeDirection, FreezeOrder, FreezeTarget } from '../domain/freeze.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Micros } from '../domain/time.ts';
import { sqlState } from './pool.ts';
import { ACCOUNT_COLUMNS, type AccountRow, toAccount } from './rows.ts';
import { microsOf, timestamptz } from './sql.ts';
import { inTransaction } from './transaction.ts';

const FREEZE = `SELECT ${ACCOUNT_COLUMNS} FROM freeze_wallets($1, $2, $3, $4, $5, $6, $7) AS a`;
const REOPEN = `SELECT ${ACCOUNT_COLUMNS} FROM reopen_wallet($1) AS a`;
const LIFT = `SELECT ${ACCOUNT_COLUMNS} FROM lift_freeze($1, $2, $3, $4) AS a`;

const NOW = `SELECT ${microsOf('clock_timestamp()')} AS now`;

/** Of a wallet also those of its user. */
const LIST = `
  SELECT id, wallet_id, user_id, direction, ${microsOf('frozen_until')} AS until, case_id, reason, frozen_by,
    ${microsOf('frozen_at')} AS frozen_at
  FROM freezes WHERE lifted_at IS NULL AND frozen_until > clock_timestamp() AND (wallet_id = $1 OR user_id = $2)
  ORDER BY frozen_at, id LIMIT 1000`;

/** Another session got in the way: a deadlock, or a lock that was held for too long. */
const IN_THE_WAY = new Set(['40P01', '55P03', '40001']);
const MAX_ATTEMPTS = 5;
const RETRY_AFTER_MS = 1_000;

/** What the ledger does before each of its commits, and returns what is left to do after it (ledger-tools.ts). */
export type BeforeCommit = (accounts: readonly Account[]) => Promise<() => Promise<void> | undefined>;

/** The ids of a target, as the functions take them. */
const idsOf = (target: FreezeTarget) =>
  'walletId' in target ? [target.walletId, null] : [null, target.userId.toString()];

/** The database's clock. */
export async function readClock(pool: Pool): Promise<Micros> {
  const { rows } = await pool.query<{ now: string }>({ name: 'read-clock', text: NOW });
  return Number(rows[0]?.now);
}

/** Sets a freeze, in the place of the one that the case has on this target. Returns the wallets, none if there is no target. */
export function setFreeze(
  pool: Pool,
  beforeCommit: BeforeCommit,
  target: FreezeTarget,
  { direction, until, caseId, reason }: FreezeOrder,
  keyId: string,
): Promise<Account[]> {
  const values = [...idsOf(target), direction, timestamptz(until), caseId, reason, keyId];
  return changeWallets(pool, beforeCommit, { name: 'freeze-wallets', text: FREEZE, values });
}

/** Lifts the freeze of a case. Returns the wallets, none if there is no such freeze. */
export function liftFreeze(
  pool: Pool,
  beforeCommit: BeforeCommit,
  target: FreezeTarget,
  caseId: string,
  keyId: string,
): Promise<Account[]> {
  const values = [...idsOf(target), caseId, keyId];
  return changeWallets(pool, beforeCommit, { name: 'lift-freeze', text: LIFT, values });
}

/** Opens a closed wallet again. Returns it, or nothing if it was not closed. */
export function reopenWallet(pool: Pool, beforeCommit: BeforeCommit, walletId: string): Promise<Account[]> {
  return changeWallets(pool, beforeCommit, { name: 'reopen-wallet', text: REOPEN, values: [walletId] });
}

/** The freezes that restrict a wallet and its user, or a user: oldest first, at most 1,000. */
export async function listFreezes(
  pool: Pool,
  { walletId, userId }: { readonly walletId?: string; readonly userId: bigint },
): Promise<Freeze[]> {
  type Row = Record<
    'id' | 'direction' | 'until' | 'case_id' | 'reason' | 'frozen_by' | 'frozen_at' | 'user_id',
    string
  > & { wallet_id: string | null };
  const values = [walletId ?? null, userId.toString()];
  const { rows } = await pool.query<Row>({ name: 'list-freezes', text: LIST, values });
  return rows.map((row) => ({
    id: row.id,
    target: row.wallet_id === null ? { userId: BigInt(row.user_id) } : { walletId: row.wallet_id },
    direction: row.direction as FreezeDirection,
    until: Number(row.until),
    caseId: row.case_id,
    reason: row.reason,
    frozenBy: row.frozen_by,
    frozenAt: Number(row.frozen_at),
  }));
}

/** A statement that changes wallets, and returns them with ACCOUNT_COLUMNS. */
interface Change {
  readonly name: string;
  readonly text: string;
  readonly values: unknown[];
}

/**
 * Runs a statement that changes wallets in step with the cache: as for a batch of the ledger, older entries are no longer trusted
 * before it is committed. Refuses UNAVAILABLE where others keep the wallets locked.
 */
async function changeWallets(pool: Pool, beforeCommit: BeforeCommit, change: Change): Promise<Account[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await changeOnce(pool, beforeCommit, change);
    } catch (error) {
      if (!IN_THE_WAY.has(sqlState(error) ?? '')) throw error;
      if (attempt === MAX_ATTEMPTS) throw new Refusal('UNAVAILABLE', { retryAfterMs: RETRY_AFTER_MS });
    }
  }
}

async function changeOnce(pool: Pool, beforeCommit: BeforeCommit, change: Change): Promise<Account[]> {
  const { accounts, afterCommit } = await inTransaction(pool, async (client) => {
    const { rows } = await client.query<AccountRow>(change);
    const changed = rows.map(toAccount);
    return { accounts: changed, afterCommit: await beforeCommit(changed) };
  });
  await afterCommit();
  return accounts;
}
