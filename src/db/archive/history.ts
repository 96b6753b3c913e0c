// Reads an account's transfers oldest first, a page at a time, while new ones are posted and months move to the archive.
import { InvariantError } from '../../domain/error-fields.ts';
import type { Micros } from '../../domain/time.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import type { Reader } from '../pool.ts';
import { FIRST_ID, findTransferFacts, type TransferPlace } from '../reads/index.ts';
import { TRANSFER_COLUMNS, type TransferRow, toTransfer } from '../rows.ts';
import { timestamptz } from '../sql.ts';
import { archivedBefore, findOwners, type TransferPlaces } from './reads.ts';

/** How far a history has been read. */
export interface HistoryPlace {
  /** What follows this transfer comes next. */
  readonly after: TransferPlace;
  /** Transfers before this moment are in the archive, as far as is known. */
  readonly boundary: Micros;
}

/** Transfers, oldest first, and where the next page begins; undefined behind the last one. */
export interface HistoryPage {
  readonly items: PostedTransfer[];
  readonly next: HistoryPlace | undefined;
}

/** The place right behind a transfer. */
export function historyAfter(after: TransferPlace): HistoryPlace {
  return { after, boundary: Number.NEGATIVE_INFINITY };
}

/** The place before everything from a moment on. */
export function historyFrom(moment: Micros): HistoryPlace {
  return historyAfter({ createdAt: moment, id: FIRST_ID });
}

/** One side of an account's history. The bound on created_at alone lets Postgres leave out partitions. */
const side = (column: string) => `
  (SELECT * FROM transfers WHERE ${column} = $1 AND (created_at, id) > ($2::timestamptz, $3::uuid)
     AND created_at >= $2::timestamptz AND created_at < $4 ORDER BY created_at, id LIMIT $5)`;

const PAGE = `
  SELECT ${TRANSFER_COLUMNS} FROM (${side('debit_account_id')} UNION ALL ${side('credit_account_id')}) AS t
  ORDER BY t.created_at, t.id LIMIT $5`;

/**
 * The transfers of an account behind a place and before a moment, at most `size`. No page needs the transaction of another:
 * an account's transfers are dated in the order in which they are committed, so whatever is posted between two pages comes
 * behind what was read. What is known of the archive's boundary is read after the ledger's page: if the month of the page
 * was moved meanwhile, the page may lack transfers, and the archive is read instead.
 */
export async function readHistory(
  { reads, archive }: TransferPlaces,
  accountId: string,
  { after, boundary: known }: HistoryPlace,
  before: Micros,
  size: number,
): Promise<HistoryPage> {
  let boundary = known;
  if (after.createdAt >= boundary) {
    const here = await readRows(reads, accountId, after, before, size);
    const [moved, items] = await Promise.all([archivedBefore(reads), withParties(reads, accountId, here)]);
    boundary = moved ?? boundary;
    if (after.createdAt >= boundary)
      return { items, next: here.length < size ? undefined : { after: lastOf(here), boundary } };
  }
  if (!archive) throw new InvariantError('months were archived, and this process has no archive');
  const there = await readRows(archive, accountId, after, Math.min(before, boundary), size);
  const items = await withParties(reads, accountId, there);
  if (there.length === size) return { items, next: { after: lastOf(there), boundary } };
  const isEnd = before <= boundary;
  return { items, next: isEnd ? undefined : { after: historyFrom(boundary).after, boundary } };
}

async function readRows(
  db: Reader,
  accountId: string,
  { createdAt, id }: TransferPlace,
  before: Micros,
  size: number,
): Promise<TransferRow[]> {
  const values = [accountId, timestamptz(createdAt), id, timestamptz(before), size];
  return (await db.query<TransferRow>({ name: 'read-history', text: PAGE, values })).rows;
}

function lastOf(rows: readonly TransferRow[]): TransferPlace {
  const last = rows.at(-1);
  if (!last) throw new InvariantError('a full page without transfers');
  return { createdAt: Number(last.created_at), id: last.id };
}

/** Adds the users on both sides, and what was noted beside the transfers. */
async function withParties(
  reads: Reader,
  accountId: string,
  rows: readonly TransferRow[],
): Promise<PostedTransfer[]> {
  if (rows.length === 0) return [];
  const ids = new Set([accountId]);
  for (const row of rows)
    ids.add(row.debit_account_id === accountId ? row.credit_account_id : row.debit_account_id);
  const [owners, facts] = await Promise.all([
    findOwners(reads, ids),
    findTransferFacts(
      reads,
      rows.map(({ id }) => id),
    ),
  ]);
  return rows.map((row) => ({
    transfer: toTransfer(row),
    debitUserId: owners.get(row.debit_account_id),
    creditUserId: owners.get(row.credit_account_id),
    ...facts.get(row.id),
  }));
}
