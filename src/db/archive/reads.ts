// Reads transfers from the ledger's database and from the archive.
import { type Page, pageOf } from '../../domain/page.ts';
import { END_OF_TIME, type Micros } from '../../domain/time.ts';
import { momentOfTransferId, type PostedTransfer } from '../../domain/transfer.ts';
import type { Pool, Reader } from '../pool.ts';
import {
  FIRST_ID,
  findTransfer,
  findTransfers,
  lastBalance,
  listTransfers,
  type TransferFilter,
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
     AND created_at >= $4 AND created_at < $7 AND ($5::text[] IS NULL OR kind = ANY ($5))
   ORDER BY created_at DESC, id DESC LIMIT $6)`;

const LIST = `
  SELECT ${TRANSFER_COLUMNS} FROM (${side('debit_account_id')} UNION ALL ${side('credit_account_id')}) AS t
  ORDER BY t.created_at DESC, t.id DESC LIMIT $6`;

const OWNERS = 'SELECT id, owner_user_id FROM accounts WHERE id = ANY ($1::uuid[])';

/**
 * The moment before which transfers are in the archive. It must be read after the ledger's database: a month that moves in
 * between is then read twice, and never missed.
 */
async function boundaryOf(reads: Reader): Promise<Micros | undefined> {
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
  const boundary = await boundaryOf(reads);
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
  if (missing.length === 0 || !archive) return found;
  const values = [plainArray(missing)];
  const { rows } = await archive.query<TransferRow>({ name: 'find-all-archived', text: FIND_ALL, values });
  for (const posted of await withOwners(reads, rows)) found.set(posted.transfer.id, posted);
  return found;
}

/** An account's transfers, newest first, one page; the archive's follow if the ledger's don't fill it. */
export async function listTransfersAnywhere(
  places: TransferPlaces,
  accountId: string,
  filter: TransferFilter,
  after: TransferPlace | undefined,
  size: number,
): Promise<Page<PostedTransfer, TransferPlace>> {
  const here = await listTransfers(places.reads, accountId, filter, after, size);
  if (here.next || !places.archive) return here;
  const boundary = await boundaryOf(places.reads);
  if (boundary === undefined || (filter.from ?? 0) >= boundary) return here;
  const start = after ?? { createdAt: filter.before ?? END_OF_TIME, id: FIRST_ID };
  const { rows } = await places.archive.query<TransferRow>({
    name: 'list-archived',
    text: LIST,
    values: [
      accountId,
      timestamptz(start.createdAt),
      start.id,
      timestamptz(filter.from ?? 0),
      filter.kinds ? plainArray(filter.kinds) : null,
      size + 1,
      timestamptz(boundary),
    ],
  });
  const seen = new Set(here.items.map(({ transfer }) => transfer.id));
  const there = await withOwners(
    places.reads,
    rows.filter(({ id }) => !seen.has(id)),
  );
  return pageOf([...here.items, ...there], size, ({ transfer: { createdAt, id } }) => ({ createdAt, id }));
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
  if ((await boundaryOf(reads)) === undefined) return 0n;
  const start = { createdAt: Math.min(at, END_OF_TIME) + 1, id: FIRST_ID };
  const everything = { kinds: undefined, from: undefined, before: undefined };
  const [last] = (await listTransfersAnywhere({ reads, archive }, accountId, everything, start, 1)).items;
  if (!last) return 0n;
  const { debitAccountId, debitBalanceAfter, creditBalanceAfter } = last.transfer;
  return debitAccountId === accountId ? debitBalanceAfter : creditBalanceAfter;
}

async function withOwners(reads: Reader, rows: readonly TransferRow[]): Promise<PostedTransfer[]> {
  const ids = new Set(rows.flatMap((row) => [row.debit_account_id, row.credit_account_id]));
  if (ids.size === 0) return [];
  type Owner = { id: string; owner_user_id: string | null };
  const owners = await reads.query<Owner>({ name: 'owners', text: OWNERS, values: [plainArray([...ids])] });
  const ownerOf = new Map(owners.rows.map((row) => [row.id, row.owner_user_id]));
  const userOf = (accountId: string) => {
    const owner = ownerOf.get(accountId);
    return owner ? BigInt(owner) : undefined;
  };
  return rows.map((row) => ({
    transfer: toTransfer(row),
    debitUserId: userOf(row.debit_account_id),
    creditUserId: userOf(row.credit_account_id),
  }));
}
