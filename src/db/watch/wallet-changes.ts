// Reads what has happened with wallets behind a place in their history, together with the wallets as they are then.
import type { Account } from '../../domain/account.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import type { Pool } from '../pool.ts';
import {
  FACT_COLUMNS,
  FIRST_ID,
  type ListedRow,
  type TransferPlace,
  toListed,
  withHolds,
} from '../reads/index.ts';
import { ACCOUNT_COLUMNS, type AccountRow, TRANSFER_COLUMNS, toAccount } from '../rows.ts';
import { microsOf, plainArray, timestamptz } from '../sql.ts';

/** Transfers that are read of a wallet at a time: some 100 KB, which is what a reader that takes nothing holds of memory. */
export const WATCH_PAGE = 100;

/** Before every transfer of a wallet. */
export const BEFORE_ALL: TransferPlace = { createdAt: 0, id: FIRST_ID };

/** A wallet, and the place of its last transfer. */
export interface WalletPresent {
  readonly wallet: Account;
  /** Undefined where the ledger has no transfer of it. */
  readonly place: TransferPlace | undefined;
}

/** A wallet, and a place in its history. */
export interface WatchedPlace {
  readonly walletId: string;
  readonly place: TransferPlace;
}

/** What has happened with a wallet since a place. */
export interface WalletChange {
  /** The wallet right after these transfers, unless more follow. */
  readonly wallet: Account;
  /** What follows the place, oldest first, at most WATCH_PAGE. */
  readonly transfers: readonly PostedTransfer[];
  /** Whether more may follow. */
  readonly hasMore: boolean;
  /** Whether the ledger has the transfer of the place; where it has not, it may lack some that follow it, too. */
  readonly isPlaceThere: boolean;
}

const last = (column: string) => `
  (SELECT created_at, id FROM transfers WHERE ${column} = a.id ORDER BY created_at DESC, id DESC LIMIT 1)`;

/** One statement, so that the place is that of the balance. */
const PRESENT = `
  SELECT ${ACCOUNT_COLUMNS}, ${microsOf('l.created_at')} AS last_at, l.id AS last_id
  FROM accounts a LEFT JOIN LATERAL (
    SELECT * FROM (${last('debit_account_id')} UNION ALL ${last('credit_account_id')}) AS both_sides
    ORDER BY created_at DESC, id DESC LIMIT 1
  ) AS l ON true
  WHERE a.id = $1 AND a.kind = 'wallet'`;

/** The bounds on created_at alone let Postgres leave out partitions, those of the year to come, too, in which nothing is. */
const side = (column: string) => `
  (SELECT * FROM transfers WHERE ${column} = w.wallet AND (created_at, id) > (w.at, w.id)
     AND created_at >= w.at AND created_at < now() + interval '31 days' ORDER BY created_at, id LIMIT $4)`;

/** Those of ACCOUNT_COLUMNS, without names that columns of transfers have. */
const WALLET_COLUMNS = `wallet_id, wallet_kind, wallet_currency, owner_user_id, is_default, display_name, balance,
  overdraft_limit, held_amount, restriction, version, opened_at, updated_at`;

/** One statement, so that the balance of each wallet is that after its transfers. */
const CHANGES = `
  SELECT w.number, a.*, t.*, CASE w.id WHEN '${FIRST_ID}' THEN NOT EXISTS (SELECT FROM archived_months)
    ELSE EXISTS (SELECT FROM transfers p WHERE p.id = w.id AND p.created_at = w.at
      AND w.wallet IN (p.debit_account_id, p.credit_account_id)) END AS is_place_there
  FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[]) WITH ORDINALITY AS w (wallet, at, id, number)
  CROSS JOIN LATERAL (SELECT ${ACCOUNT_COLUMNS} FROM accounts a WHERE a.id = w.wallet) AS a (${WALLET_COLUMNS})
  LEFT JOIN LATERAL (
    SELECT ${TRANSFER_COLUMNS}, o.owner_user_id AS other_user_id, ${FACT_COLUMNS} FROM (
      SELECT * FROM (${side('debit_account_id')} UNION ALL ${side('credit_account_id')}) AS both_sides
      ORDER BY created_at, id LIMIT $4
    ) AS t
    JOIN accounts o ON o.id = CASE t.debit_account_id WHEN w.wallet THEN t.credit_account_id ELSE t.debit_account_id END
  ) AS t ON true
  ORDER BY w.number, t.created_at, t.id`;

/** Every column of a transfer is null where none follows. */
type ChangeRow = Omit<AccountRow, 'id' | 'kind' | 'currency' | 'created_at'> &
  (ListedRow | { readonly id: null }) & {
    number: string;
    is_place_there: boolean;
    wallet_id: AccountRow['id'];
    wallet_kind: AccountRow['kind'];
    wallet_currency: AccountRow['currency'];
    opened_at: AccountRow['created_at'];
  };

/** A wallet as it is now; undefined where there is none by that id. */
export async function findPresent(primary: Pool, walletId: string): Promise<WalletPresent | undefined> {
  type Row = AccountRow & { last_at: string | null; last_id: string | null };
  const { rows } = await primary.query<Row>({ name: 'wallet-present', text: PRESENT, values: [walletId] });
  const [row] = rows;
  if (!row) return undefined;
  const { last_at: createdAt, last_id: id } = row;
  const place = createdAt === null || id === null ? undefined : { createdAt: Number(createdAt), id };
  return { wallet: toAccount(row), place };
}

/** What follows each of the places, in their order; undefined for a wallet that does not exist. */
export async function readChanges(
  primary: Pool,
  places: readonly WatchedPlace[],
): Promise<(WalletChange | undefined)[]> {
  const values = [
    plainArray(places.map(({ walletId }) => walletId)),
    plainArray(places.map(({ place }) => timestamptz(place.createdAt))),
    plainArray(places.map(({ place }) => place.id)),
    WATCH_PAGE,
  ];
  const { rows } = await primary.query<ChangeRow>({ name: 'wallet-changes', text: CHANGES, values });
  const rowsOf = Map.groupBy(rows, ({ number }) => Number(number));
  return withHoldsOf(
    primary,
    places.map((_, index) => toChange(rowsOf.get(index + 1) ?? [])),
  );
}

/** Names the holds of all of them by one statement, and by none where there are none. */
async function withHoldsOf(
  primary: Pool,
  changes: readonly (WalletChange | undefined)[],
): Promise<(WalletChange | undefined)[]> {
  const named = await withHolds(
    primary,
    changes.flatMap((change) => change?.transfers ?? []),
  );
  let end = 0;
  return changes.map((change) => {
    if (!change) return undefined;
    const start = end;
    end += change.transfers.length;
    return { ...change, transfers: named.slice(start, end) };
  });
}

function toChange(rows: readonly ChangeRow[]): WalletChange | undefined {
  const [first] = rows;
  if (!first) return undefined;
  const wallet = toWallet(first);
  const transfers = rows.flatMap((row) => (row.id === null ? [] : [toListed(row, wallet)]));
  return {
    wallet,
    transfers,
    hasMore: transfers.length === WATCH_PAGE,
    isPlaceThere: first.is_place_there,
  };
}

function toWallet(row: ChangeRow): Account {
  return toAccount({
    ...row,
    id: row.wallet_id,
    kind: row.wallet_kind,
    currency: row.wallet_currency,
    created_at: row.opened_at,
  });
}
