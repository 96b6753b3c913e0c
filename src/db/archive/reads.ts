// Reads transfers from the ledger's database and from the archive.
import { InvariantError } from '../../domain/error-fields.ts';
import { type Page, pageOf } from '../../domain/page.ts';
import { END_OF_TIME, type Micros } from '../../domain/time.ts';
import { momentOfTransferId, type PostedTransfer } from '../../domain/transfer.ts';
import type { TransferFilter } from '../../domain/transfer-filter.ts';
import type { Pool, Reader } from '../pool.ts';
import {
  FIRST_ID,
  findFunder,
  findTransfer,
  findTransferFacts,
  findTransfers,
  type ListedAccount,
  lastBalance,
  listTransfers,
  type Search,
  type SearchedRow,
  searched,
  searchedPage,
  searchTransfers,
  searchValues,
  type TransferPlace,
} from '../reads/index.ts';
import { TRANSFER_COLUMNS, type TransferRow, toTransfer } from '../rows.ts';
import { microsOf, plainArray, timestamptz } from '../sql.ts';

/** Both databases; `archive` is undefined if there is none. */
export interface TransferPlaces {
  readonly reads: Reader;
  readonly archive: Pool | undefined;
}

const BOUNDARY = `
  SELECT ${microsOf(`max(month + interval '1 month') AT TIME ZONE 'UTC'`)} AS boundary FROM archived_months`;

const FIND = `SELECT ${TRANSFER_COLUMNS} FROM transfers t WHERE t.id = $1`;

const side = (column: string) => `
  (SELECT * FROM transfers WHERE ${column} = $1 AND (created_at, id) < ($2::timestamptz, $3::uuid)
     AND created_at >= $4 ORDER BY created_at DESC, id DESC LIMIT $5)`;

const LIST = `
  SELECT ${TRANSFER_COLUMNS} FROM (${side('debit_account_id')} UNION ALL ${side('credit_account_id')}) AS t
  ORDER BY t.created_at DESC, t.id DESC LIMIT $5`;

const OWNERS =
  'SELECT id, owner_user_id FROM accounts WHERE id = ANY ($1::uuid[]) AND owner_user_id IS NOT NULL';

/**
 * The moment before which transfers are in the archive; undefined while none are. It must be read after the ledger's database: a month that moves in
 * between is then read twice, and never missed.
 */
export async function archivedBefore(reads: Reader): Promise<Micros | undefined> {
  const { rows } = await reads.query<{ boundary: string | null }>({
    name: 'archive-boundary',
    text: BOUNDARY,
    values: [],
  });
  return rows[0]?.boundary ? Number(rows[0].boundary) : undefined;
}

/** The transfer with this id; undefined if there is none. */
export async function findTransferAnywhere(
  { reads, archive }: TransferPlaces,
  id: string,
): Promise<PostedTransfer | undefined> {
  const here = await findTransfer(reads, id);
  const moment = momentOfTransferId(id);
  if (here || !archive || moment === undefined) return here;
  const boundary = await archivedBefore(reads);
  if (boundary === undefined || moment >= boundary) return undefined;
  const { rows } = await archive.query<TransferRow>({ name: 'find-archived', text: FIND, values: [id] });
  return (await withOwners(reads, rows))[0];
}

const FIND_ALL = `SELECT ${TRANSFER_COLUMNS} FROM transfers t WHERE t.id = ANY ($1::uuid[])`;

/** The transfers with these ids, of one batch, by their ids. */
export async function findTransfersAnywhere(
  { reads, archive }: TransferPlaces,
  ids: readonly string[],
): Promise<ReadonlyMap<string, PostedTransfer>> {
  const found = new Map((await findTransfers(reads, ids)).map((posted) => [posted.transfer.id, posted]));
  const missing = ids.filter((id) => !found.has(id));
  for (const posted of await findArchivedTransfers({ reads, archive }, missing))
    found.set(posted.transfer.id, posted);
  return found;
}

/** The archived ones among the transfers with these ids. */
async function findArchivedTransfers(
  { reads, archive }: TransferPlaces,
  ids: readonly string[],
): Promise<PostedTransfer[]> {
  if (!archive || ids.length === 0) return [];
  const values = [plainArray(ids)];
  const { rows } = await archive.query<TransferRow>({ name: 'find-all-archived', text: FIND_ALL, values });
  return withOwners(reads, rows);
}

/**
 * The archived ones among transfers that are known to have been posted. Throws an InvariantError where months were archived and this
 * process has no archive: without it, what is only not to be found here would pass for lost.
 */
export async function findMovedTransfers(
  places: TransferPlaces,
  ids: readonly string[],
): Promise<PostedTransfer[]> {
  if (places.archive || ids.length === 0) return findArchivedTransfers(places, ids);
  const boundary = await archivedBefore(places.reads);
  if (boundary !== undefined && ids.some((id) => (momentOfTransferId(id) ?? 0) < boundary))
    throw new InvariantError('months were archived, and this process has no archive');
  return [];
}

/** The account that filled a pot; undefined for an account that is no pot. */
export async function findFunderAnywhere(
  { reads, archive }: TransferPlaces,
  potId: string,
): Promise<string | undefined> {
  return (await findFunder(reads, potId)) ?? (archive && findFunder(archive, potId));
}

/** The place before which transfers are in the archive, or an earlier one that a page begins at. */
function startIn(archiveBefore: Micros, { before }: Span, after: TransferPlace | undefined): TransferPlace {
  const start = after ?? { createdAt: before ?? END_OF_TIME, id: FIRST_ID };
  return start.createdAt < archiveBefore ? start : { createdAt: archiveBefore, id: FIRST_ID };
}

type Span = Pick<TransferFilter, 'from' | 'before'>;

/** An account's transfers of a time, newest first, one page; the archive's follow if the ledger's don't fill it. */
export async function listTransfersAnywhere(
  places: TransferPlaces,
  account: ListedAccount,
  filter: Span,
  after: TransferPlace | undefined,
  size: number,
): Promise<Page<PostedTransfer, TransferPlace>> {
  const here = await listTransfers(places.reads, account, filter, after, size);
  if (here.next || !places.archive) return here;
  const boundary = await archivedBefore(places.reads);
  if (boundary === undefined || (filter.from ?? 0) >= boundary) return here;
  const start = startIn(boundary, filter, after);
  const { rows } = await places.archive.query<TransferRow>({
    name: 'list-archived',
    text: LIST,
    values: [account.id, timestamptz(start.createdAt), start.id, timestamptz(filter.from ?? 0), size + 1],
  });
  const seen = new Set(here.items.map(({ transfer }) => transfer.id));
  const there = await withOwners(
    places.reads,
    rows.filter(({ id }) => !seen.has(id)),
  );
  return pageOf([...here.items, ...there], size, ({ transfer: { createdAt, id } }) => ({ createdAt, id }));
}

const SEARCH = `
  SELECT ${TRANSFER_COLUMNS}, t.matches, t.is_last_examined FROM ${searched('text[]')}
  ORDER BY t.created_at DESC, t.id DESC`;

/** An account's transfers that a filter selects, newest first, one page; the archive's follow where the ledger's end. */
export async function searchTransfersAnywhere(
  places: TransferPlaces,
  search: Search,
  filter: TransferFilter,
  after: TransferPlace | undefined,
  size: number,
): Promise<Page<PostedTransfer, TransferPlace>> {
  const here = await searchTransfers(places.reads, search, filter, after, size);
  if (here.next || !places.archive) return here;
  const boundary = await archivedBefore(places.reads);
  if (boundary === undefined || (filter.from ?? 0) >= boundary) return here;
  const { rows } = await places.archive.query<TransferRow & SearchedRow>({
    name: 'search-archived',
    text: SEARCH,
    values: searchValues(search, filter, startIn(boundary, filter, after), size),
  });
  const seen = new Set(here.items.map(({ transfer }) => transfer.id));
  const judged = rows.map((row) => (seen.has(row.id) ? { ...row, matches: false } : row));
  const { items, next } = searchedPage(judged, size - here.items.length, here.items.at(-1)?.transfer);
  return { items: [...here.items, ...(await withOwners(places.reads, items))], next };
}

/** An account's balance after all transfers up to and including a moment. */
export async function balanceAsOfAnywhere(
  // Never a replica: balances come from the primary.
  { reads, archive }: TransferPlaces & { readonly reads: Pool },
  accountId: string,
  at: Micros,
): Promise<bigint> {
  const here = await lastBalance(reads, accountId, at);
  if (here !== undefined || !archive) return here ?? 0n;
  if ((await archivedBefore(reads)) === undefined) return 0n;
  const start = { createdAt: Math.min(at, END_OF_TIME) + 1, id: FIRST_ID };
  const everything = { from: undefined, before: undefined };
  const account = { id: accountId, ownerUserId: undefined };
  const [last] = (await listTransfersAnywhere({ reads, archive }, account, everything, start, 1)).items;
  if (!last) return 0n;
  const { debitAccountId, debitBalanceAfter, creditBalanceAfter } = last.transfer;
  return debitAccountId === accountId ? debitBalanceAfter : creditBalanceAfter;
}

async function withOwners(reads: Reader, rows: readonly TransferRow[]): Promise<PostedTransfer[]> {
  const ids = new Set(rows.flatMap((row) => [row.debit_account_id, row.credit_account_id]));
  if (ids.size === 0) return [];
  const ownerOf = await findOwners(reads, ids);
  const facts = await findTransferFacts(
    reads,
    rows.map(({ id }) => id),
  );
  return rows.map((row) => ({
    transfer: toTransfer(row),
    debitUserId: ownerOf.get(row.debit_account_id),
    creditUserId: ownerOf.get(row.credit_account_id),
    ...facts.get(row.id),
  }));
}

/** The users of accounts, by the accounts' ids; those without an owner are left out. */
export async function findOwners(
  reads: Reader,
  ids: ReadonlySet<string>,
): Promise<ReadonlyMap<string, bigint>> {
  type Owner = { id: string; owner_user_id: string };
  const { rows } = await reads.query<Owner>({ name: 'owners', text: OWNERS, values: [plainArray([...ids])] });
  return new Map(rows.map((row) => [row.id, BigInt(row.owner_user_id)]));
}
