// Searches an account's transfers by what no index has: kind, counterparty and amount.
//
// An index for each of these would cost every payment. So one page examines a bounded number of transfers, newest first, and
// says where it ended: a page may have fewer than were asked for, or none, and still be followed by another one (AIP-158).
import type { Label } from '../../domain/annotation.ts';
import type { Page } from '../../domain/page.ts';
import { END_OF_TIME } from '../../domain/time.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import type { TransferFilter } from '../../domain/transfer-filter.ts';
import type { Reader } from '../pool.ts';
import { microsOf, plainArray, timestamptz } from '../sql.ts';
import {
  BETWEEN,
  FIRST_ID,
  OWNERS,
  type PostedRow,
  type TransferPlace,
  toPosted,
  WITH_OWNERS,
} from './transfers.ts';

/** How many transfers a page examines at most: each is a row somewhere in a large table. */
export const EXAMINED = 500;

const side = (column: string, other: string) => `
  (SELECT *, ${other} AS other_account_id FROM transfers WHERE ${column} = $1 AND ${BETWEEN}
     ORDER BY created_at DESC, id DESC LIMIT $5)`;

/**
 * What a page has to show, as a table `t`: the newest transfers that match, and the last one that was examined where there may
 * be more behind it. `kinds` is the type of the array of kinds. Its values are those of searchValues().
 */
export const searched = (kinds: string) => `(
  SELECT * FROM (
    SELECT *, row_number() OVER (ORDER BY created_at DESC, id DESC) = $5 AS is_last_examined,
      ($6::${kinds} IS NULL OR kind = ANY ($6)) AND amount >= $7 AND amount <= $8
        AND ($9::uuid[] IS NULL OR other_account_id = ANY ($9)) AS matches
    FROM (SELECT * FROM (${side('debit_account_id', 'credit_account_id')}
        UNION ALL ${side('credit_account_id', 'debit_account_id')}) AS both_sides
      ORDER BY created_at DESC, id DESC LIMIT $5) AS examined) AS judged
  WHERE matches OR is_last_examined ORDER BY created_at DESC, id DESC LIMIT $10) AS t`;

const SEARCH = `
  SELECT ${WITH_OWNERS}, t.matches, t.is_last_examined FROM ${searched('transfer_kind[]')} ${OWNERS}
  ORDER BY t.created_at DESC, t.id DESC`;

/** What searched() adds to the columns of a transfer. */
export interface SearchedRow {
  readonly matches: boolean;
  readonly is_last_examined: boolean;
}

/** What to search: the transfers of an account, those with some other accounts, or all. */
export interface Search {
  readonly accountId: string;
  /** The accounts on the other side; all when undefined. */
  readonly others: readonly string[] | undefined;
}

const MAX_BIGINT = 2n ** 63n - 1n;

/** The values of searched(), $1 to $10. */
export function searchValues(
  { accountId, others }: Search,
  filter: TransferFilter,
  after: TransferPlace | undefined,
  size: number,
): (string | number | null)[] {
  const start = after ?? { createdAt: filter.before ?? END_OF_TIME, id: FIRST_ID };
  return [
    accountId,
    timestamptz(start.createdAt),
    start.id,
    timestamptz(filter.from ?? 0),
    EXAMINED,
    filter.kinds ? plainArray(filter.kinds) : null,
    String(filter.amountFrom ?? 0n),
    String(filter.amountTo ?? MAX_BIGINT),
    others ? plainArray(others) : null,
    size + 1,
  ];
}

/**
 * The page of rows that searched() returned: there is a next one where there is more to show, or to examine. `before` is the
 * place of what the page shows already, from elsewhere.
 */
export function searchedPage<Row extends SearchedRow & { id: string; created_at: string }>(
  rows: readonly Row[],
  size: number,
  before?: TransferPlace,
): Page<Row, TransferPlace> {
  const found = rows.filter(({ matches }) => matches);
  const items = found.slice(0, size);
  const last = found.length > size ? items.at(-1) : rows.find(({ is_last_examined }) => is_last_examined);
  const place = last && { createdAt: Number(last.created_at), id: last.id };
  return { items, next: place ?? (found.length > size ? before : undefined) };
}

/** An account's transfers that a filter selects, newest first, one page. */
export async function searchTransfers(
  db: Reader,
  search: Search,
  filter: TransferFilter,
  after: TransferPlace | undefined,
  size: number,
): Promise<Page<PostedTransfer, TransferPlace>> {
  const { rows } = await db.query<PostedRow & SearchedRow>({
    name: 'search-transfers',
    text: SEARCH,
    values: searchValues(search, filter, after, size),
  });
  const { items, next } = searchedPage(rows, size);
  return { items: items.map(toPosted), next };
}

const WALLETS_OF = `SELECT a.id, a.version FROM accounts a WHERE a.owner_user_id = $1 AND a.kind = 'wallet'`;
const WALLET = `SELECT a.id, a.version, a.owner_user_id FROM accounts a WHERE a.id = $1 AND a.kind = 'wallet'`;

/** A wallet on the other side, and how often it changed: about as many transfers as it has. */
export interface Counterparty {
  readonly id: string;
  readonly version: number;
}

/** The wallets that a filter names as the other side; undefined where it names none. */
export async function findCounterparties(
  db: Reader,
  { counterpartyWalletId: walletId, counterpartyUserId: userId }: TransferFilter,
): Promise<Counterparty[] | undefined> {
  if (walletId === undefined && userId === undefined) return undefined;
  type Row = { id: string; version: string; owner_user_id?: string };
  const { rows } =
    walletId === undefined
      ? await db.query<Row>({ name: 'find-wallets-of', text: WALLETS_OF, values: [userId] })
      : await db.query<Row>({ name: 'find-counterparty', text: WALLET, values: [walletId] });
  const isTheirs = ({ owner_user_id: owner }: Row) =>
    owner === undefined || userId === undefined || BigInt(owner) === userId;
  return rows.filter(isTheirs).map(({ id, version }) => ({ id, version: Number(version) }));
}

const LABELED = `
  SELECT l.transfer_id AS id, ${microsOf('l.created_at')} AS created_at FROM transfer_labels l
  WHERE l.account_id = $1 AND l.key = $2 AND l.value = $3 AND (l.created_at, l.transfer_id) < ($4::timestamptz, $5::uuid)
    AND l.created_at >= $6 ORDER BY l.created_at DESC, l.transfer_id DESC LIMIT $7`;

/** The newest transfers of a wallet with a label of its user's, also those in the archive: where they are. */
export async function findLabeled(
  db: Reader,
  accountId: string,
  { key, value }: Label,
  { from, before }: TransferFilter,
  after: TransferPlace | undefined,
  count: number,
): Promise<TransferPlace[]> {
  const start = after ?? { createdAt: before ?? END_OF_TIME, id: FIRST_ID };
  const values = [
    accountId,
    key,
    value,
    timestamptz(start.createdAt),
    start.id,
    timestamptz(from ?? 0),
    count,
  ];
  const { rows } = await db.query<{ id: string; created_at: string }>({
    name: 'find-labeled',
    text: LABELED,
    values,
  });
  return rows.map((row) => ({ id: row.id, createdAt: Number(row.created_at) }));
}
