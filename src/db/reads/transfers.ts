// Reads transfers: single ones, an account's history, and a balance as of a moment.
import type { Pool } from 'pg';
import type { Account } from '../../domain/account.ts';
import { type Page, pageOf } from '../../domain/page.ts';
import { END_OF_TIME, MICROS_PER_MS, type Micros } from '../../domain/time.ts';
import { momentOfTransferId, type PostedTransfer } from '../../domain/transfer.ts';
import type { TransferFilter } from '../../domain/transfer-filter.ts';
import type { Reader } from '../pool.ts';
import {
  type AnnotationRow,
  annotationColumn,
  TRANSFER_COLUMNS,
  type TransferRow,
  toAnnotation,
  toTransfer,
} from '../rows.ts';
import { microsOf, plainArray, timestamptz } from '../sql.ts';

/**
 * What is kept beside the transfer with this id. A subquery for each, because it is found by its key whatever the planner thinks
 * of the table; a join that was planned while it was nearly empty would read all of it.
 */
const factColumns = (id: string) => `
  (SELECT r.refunded_amount FROM refunded_transfers r WHERE r.transfer_id = ${id}) AS refunded_amount,
  (SELECT f.transfer_id FROM refunds f WHERE f.refund_id = ${id}) AS refunds_transfer_id, ${annotationColumn(id)}`;
export const FACT_COLUMNS = factColumns('t.id');

/** The columns that toPosted() reads, of transfers under the alias `t` with OWNERS. */
export const WITH_OWNERS = `${TRANSFER_COLUMNS}, d.owner_user_id AS debit_user_id, c.owner_user_id AS credit_user_id,
  ${FACT_COLUMNS}`;

/** The accounts on both sides of transfers. */
export const OWNERS =
  'JOIN accounts d ON d.id = t.debit_account_id JOIN accounts c ON c.id = t.credit_account_id';

/**
 * Transfers that a condition selects, with what lies beside them. They are found by themselves first: where transfers are
 * distributed over machines (docs/growth.md), a join would copy all accounts to each of them.
 */
export const selectTransfers = (condition: string) => `
  WITH t AS MATERIALIZED (SELECT * FROM transfers WHERE ${condition}) SELECT ${WITH_OWNERS} FROM t ${OWNERS}`;

/** The id (UUID version 7, RFC 9562) says in which millisecond the transfer was made: only that month's partition is read. */
const FIND = selectTransfers('id = $1 AND created_at >= $2 AND created_at < $3');

/**
 * Transfers before the place of $2 and $3 and not before $4. The place alone would leave out no months: which partitions are
 * read follows from comparisons of the moment alone. A year of months to come has partitions, too, and nothing in them.
 */
export const BETWEEN = `(created_at, id) < ($2::timestamptz, $3::uuid) AND created_at <= $2::timestamptz
  AND created_at < now() + interval '31 days' AND created_at >= $4::timestamptz`;

/** One side of an account's history: a scan of that side's index that ends after a page. */
const side = (column: string) => `
  (SELECT * FROM transfers WHERE ${column} = $1 AND ${BETWEEN} ORDER BY created_at DESC, id DESC LIMIT $5)`;

/** Each row of a page lies somewhere else, and so does the account on its other side; that on this side is known. */
const LIST = `
  SELECT ${TRANSFER_COLUMNS}, o.owner_user_id AS other_user_id, ${FACT_COLUMNS} FROM (
    SELECT * FROM (${side('debit_account_id')} UNION ALL ${side('credit_account_id')}) AS both_sides
    ORDER BY created_at DESC, id DESC LIMIT $5
  ) AS t
  JOIN accounts o ON o.id = CASE t.debit_account_id WHEN $1 THEN t.credit_account_id ELSE t.debit_account_id END
  ORDER BY t.created_at DESC, t.id DESC`;

const latest = (column: string, balance: string) => `
  (SELECT created_at, id, ${balance} AS balance FROM transfers WHERE ${column} = $1 AND created_at <= $2
   ORDER BY created_at DESC, id DESC LIMIT 1)`;

const BALANCE_AS_OF = `
  SELECT balance FROM (
    ${latest('debit_account_id', 'debit_balance_after')} UNION ALL ${latest('credit_account_id', 'credit_balance_after')}
  ) AS last_of_each_side ORDER BY created_at DESC, id DESC LIMIT 1`;

/** Who filled a pot; what is set aside comes first. */
const FUNDER = `
  SELECT t.debit_account_id AS funder FROM transfers t WHERE t.credit_account_id = $1 ORDER BY t.created_at, t.id LIMIT 1`;

/** The transfers that refund one, newest first. */
const REFUNDS = `
  SELECT f.refund_id AS id, ${microsOf('f.created_at')} AS created_at FROM refunds f
  WHERE f.transfer_id = $1 AND (f.created_at, f.refund_id) < ($2, $3)
  ORDER BY f.created_at DESC, f.refund_id DESC LIMIT $4`;

/** What is kept beside transfers, by their ids; most have nothing, and rows that say so would cost their reader more than the rest. */
const FACTS_OF = `
  SELECT asked.id, f.* FROM unnest($1::uuid[]) AS asked (id)
  CROSS JOIN LATERAL (SELECT ${factColumns('asked.id')} OFFSET 0) AS f
  WHERE f.refunded_amount IS NOT NULL OR f.refunds_transfer_id IS NOT NULL OR f.annotation IS NOT NULL`;

interface FactColumns extends AnnotationRow {
  refunded_amount: string | null;
  refunds_transfer_id: string | null;
}

/** A transfer of a wallet that is known, with what toListed() reads. */
export type ListedRow = TransferRow & FactColumns & { other_user_id: string | null };

/** A transfer with what toPosted() reads. */
export type PostedRow = TransferRow &
  FactColumns & { debit_user_id: string | null; credit_user_id: string | null };

/** Where the next page begins: before the transfer of that moment and id. */
export interface TransferPlace {
  readonly createdAt: Micros;
  readonly id: string;
}

/** Before every transfer of its moment. */
export const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** The transfer with this id; undefined when there is none. */
export async function findTransfer(db: Reader, id: string): Promise<PostedTransfer | undefined> {
  const moment = momentOfTransferId(id);
  if (moment === undefined || moment >= END_OF_TIME) return undefined;
  const values = [id, timestamptz(moment), timestamptz(moment + MICROS_PER_MS)];
  const { rows } = await db.query<PostedRow>({ name: 'find-transfer', text: FIND, values });
  return rows[0] && toPosted(rows[0]);
}

/** The transfers with these ids, which were all made within a short time. */
const FIND_ALL = selectTransfers('id = ANY ($1::uuid[]) AND created_at >= $2 AND created_at < $3');

/** The transfers with these ids, of one batch, in any order; those that are not here are left out. */
export async function findTransfers(db: Reader, ids: readonly string[]): Promise<PostedTransfer[]> {
  const moments = ids.map(momentOfTransferId).filter((moment) => moment !== undefined);
  if (moments.length === 0) return [];
  const values = [
    plainArray(ids),
    timestamptz(Math.min(...moments)),
    timestamptz(Math.max(...moments) + MICROS_PER_MS),
  ];
  const { rows } = await db.query<PostedRow>({ name: 'find-transfers', text: FIND_ALL, values });
  return rows.map(toPosted);
}

/** An account whose transfers are listed. */
export type ListedAccount = Pick<Account, 'id' | 'ownerUserId'>;

/** An account's transfers of a time, newest first, one page. */
export async function listTransfers(
  db: Reader,
  account: ListedAccount,
  filter: Pick<TransferFilter, 'from' | 'before'>,
  after: TransferPlace | undefined,
  size: number,
): Promise<Page<PostedTransfer, TransferPlace>> {
  const start = after ?? { createdAt: filter.before ?? END_OF_TIME, id: FIRST_ID };
  const values = [
    account.id,
    timestamptz(start.createdAt),
    start.id,
    timestamptz(filter.from ?? 0),
    size + 1,
  ];
  const { rows } = await db.query<ListedRow>({ name: 'list-transfers', text: LIST, values });
  const listed = rows.map((row) => toListed(row, account));
  return pageOf(listed, size, ({ transfer }) => ({
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

export function toListed(row: ListedRow, { id, ownerUserId }: ListedAccount): PostedTransfer {
  const other = row.other_user_id === null ? undefined : BigInt(row.other_user_id);
  const [debitUserId, creditUserId] =
    row.debit_account_id === id ? [ownerUserId, other] : [other, ownerUserId];
  return { transfer: toTransfer(row), debitUserId, creditUserId, ...toFacts(row) };
}

export function toPosted(row: PostedRow): PostedTransfer {
  return {
    transfer: toTransfer(row),
    debitUserId: row.debit_user_id === null ? undefined : BigInt(row.debit_user_id),
    creditUserId: row.credit_user_id === null ? undefined : BigInt(row.credit_user_id),
    ...toFacts(row),
  };
}

/** What is kept beside a transfer: what it has to do with refunds, and what is attached to it. */
export type TransferFacts = Pick<PostedTransfer, 'refundedAmount' | 'refundsTransferId' | 'annotation'>;

function toFacts(row: FactColumns): TransferFacts {
  const { refunded_amount: refunded, refunds_transfer_id: refunds } = row;
  const annotation = toAnnotation(row);
  return {
    ...(refunded !== null && { refundedAmount: BigInt(refunded) }),
    ...(refunds !== null && { refundsTransferId: refunds }),
    ...(annotation && { annotation }),
  };
}

/** The same for transfers by their ids; those that have nothing are left out. */
export async function findTransferFacts(
  db: Reader,
  ids: readonly string[],
): Promise<ReadonlyMap<string, TransferFacts>> {
  const { rows } = await db.query<FactColumns & { id: string }>({
    name: 'find-transfer-facts',
    text: FACTS_OF,
    values: [plainArray(ids)],
  });
  return new Map(rows.map((row) => [row.id, toFacts(row)]));
}

/** The account that filled a pot; undefined where that transfer is not here. */
export async function findFunder(db: Reader, potId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ funder: string }>({ name: 'find-funder', text: FUNDER, values: [potId] });
  return rows[0]?.funder;
}

/** The transfers that refund one, newest first, one page. */
export async function listRefunds(
  db: Reader,
  transferId: string,
  after: TransferPlace | undefined,
  size: number,
): Promise<Page<TransferPlace, TransferPlace>> {
  const start = after ? [timestamptz(after.createdAt), after.id] : ['infinity', FIRST_ID];
  const { rows } = await db.query<{ id: string; created_at: string }>({
    name: 'list-refunds',
    text: REFUNDS,
    values: [transferId, ...start, size + 1],
  });
  const places = rows.map((row) => ({ id: row.id, createdAt: Number(row.created_at) }));
  return pageOf(places, size, (place) => place);
}
