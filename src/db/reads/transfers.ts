// Reads transfers: single ones, an account's history, and a balance as of a moment.
import type { Pool } from 'pg';
import { type Page, pageOf } from '../../domain/page.ts';
import { END_OF_TIME, MICROS_PER_MS, type Micros } from '../../domain/time.ts';
import { momentOfTransferId, type PostedTransfer, type TransferKind } from '../../domain/transfer.ts';
import type { Reader } from '../pool.ts';
import { TRANSFER_COLUMNS, type TransferRow, toTransfer } from '../rows.ts';
import { plainArray, timestamptz } from '../sql.ts';

const WITH_OWNERS = `${TRANSFER_COLUMNS}, d.owner_user_id AS debit_user_id, c.owner_user_id AS credit_user_id`;

const OWNERS = `JOIN accounts d ON d.id = t.debit_account_id JOIN accounts c ON c.id = t.credit_account_id`;

/** The id (UUID version 7, RFC 9562) says in which millisecond the transfer was made: only that month's partition is read. */
const FIND = `
  SELECT ${WITH_OWNERS} FROM transfers t ${OWNERS}
  WHERE t.id = $1 AND t.created_at >= $2 AND t.created_at < $3`;

/** One side of an account's history: a scan of that side's index that ends after a page. */
const side = (column: string) => `
  (SELECT * FROM transfers WHERE ${column} = $1 AND (created_at, id) < ($2::timestamptz, $3::uuid)
     AND created_at >= $4 AND ($5::transfer_kind[] IS NULL OR kind = ANY ($5))
   ORDER BY created_at DESC, id DESC LIMIT $6)`;

const LIST = `
  SELECT ${WITH_OWNERS} FROM (
    SELECT * FROM (${side('debit_account_id')} UNION ALL ${side('credit_account_id')}) AS both_sides
    ORDER BY created_at DESC, id DESC LIMIT $6
  ) AS t ${OWNERS} ORDER BY t.created_at DESC, t.id DESC`;

const latest = (column: string, balance: string) => `
  (SELECT created_at, id, ${balance} AS balance FROM transfers WHERE ${column} = $1 AND created_at <= $2
   ORDER BY created_at DESC, id DESC LIMIT 1)`;

const BALANCE_AS_OF = `
  SELECT balance FROM (
    ${latest('debit_account_id', 'debit_balance_after')} UNION ALL ${latest('credit_account_id', 'credit_balance_after')}
  ) AS last_of_each_side ORDER BY created_at DESC, id DESC LIMIT 1`;

type Row = TransferRow & { debit_user_id: string | null; credit_user_id: string | null };

/** Where the next page begins: before the transfer of that moment and id. */
export interface TransferPlace {
  readonly createdAt: Micros;
  readonly id: string;
}

/** Which of an account's transfers to list. */
export interface TransferFilter {
  /** All kinds when undefined. */
  readonly kinds: readonly TransferKind[] | undefined;
  /** At or after. */
  readonly from: Micros | undefined;
  /** Before. */
  readonly before: Micros | undefined;
}

/** Before every transfer of its moment. */
export const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** The transfer with this id; undefined when there is none. */
export async function findTransfer(db: Reader, id: string): Promise<PostedTransfer | undefined> {
  const moment = momentOfTransferId(id);
  if (moment === undefined || moment >= END_OF_TIME) return undefined;
  const values = [id, timestamptz(moment), timestamptz(moment + MICROS_PER_MS)];
  const { rows } = await db.query<Row>({ name: 'find-transfer', text: FIND, values });
  return rows[0] && toPosted(rows[0]);
}

/** The transfers with these ids, which were all made within a short time. */
const FIND_ALL = `
  SELECT ${WITH_OWNERS} FROM transfers t ${OWNERS}
  WHERE t.id = ANY ($1::uuid[]) AND t.created_at >= $2 AND t.created_at < $3`;

/** The transfers with these ids, of one batch, in any order; those that are not here are left out. */
export async function findTransfers(db: Reader, ids: readonly string[]): Promise<PostedTransfer[]> {
  const moments = ids.map(momentOfTransferId).filter((moment) => moment !== undefined);
  if (moments.length === 0) return [];
  const values = [
    plainArray(ids),
    timestamptz(Math.min(...moments)),
    timestamptz(Math.max(...moments) + MICROS_PER_MS),
  ];
  const { rows } = await db.query<Row>({ name: 'find-transfers', text: FIND_ALL, values });
  return rows.map(toPosted);
}

/** An account's transfers, newest first, one page. */
export async function listTransfers(
  db: Reader,
  accountId: string,
  filter: TransferFilter,
  after: TransferPlace | undefined,
  size: number,
): Promise<Page<PostedTransfer, TransferPlace>> {
  const start = after ?? { createdAt: filter.before ?? END_OF_TIME, id: FIRST_ID };
  const values = [
    accountId,
    timestamptz(start.createdAt),
    start.id,
    timestamptz(filter.from ?? 0),
    filter.kinds ? plainArray(filter.kinds) : null,
    size + 1,
  ];
  const { rows } = await db.query<Row>({ name: 'list-transfers', text: LIST, values });
  return pageOf(rows.map(toPosted), size, ({ transfer }) => ({
    createdAt: transfer.createdAt,
    id: transfer.id,
  }));
}

/** An account's balance after all transfers here up to and including a moment; undefined when there is none. */
export async function lastBalance(pool: Pool, accountId: string, at: Micros): Promise<bigint | undefined> {
  const values = [accountId, timestamptz(Math.min(at, END_OF_TIME))];
  const { rows } = await pool.query<{ balance: string }>({
    name: 'balance-as-of',
    text: BALANCE_AS_OF,
    values,
  });
  return rows[0] && BigInt(rows[0].balance);
}

function toPosted(row: Row): PostedTransfer {
  return {
    transfer: toTransfer(row),
    debitUserId: row.debit_user_id === null ? undefined : BigInt(row.debit_user_id),
    creditUserId: row.credit_user_id === null ? undefined : BigInt(row.credit_user_id),
  };
}
