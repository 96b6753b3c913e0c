// Sealed transfers by their numbers, for the log of transfers.

import { END_OF_TIME, MICROS_PER_MS, type Micros } from '../../domain/time.ts';
import { momentOfTransferId, type PostedTransfer } from '../../domain/transfer.ts';
import { findMovedTransfers, type TransferPlaces } from '../archive/index.ts';
import type { Reader } from '../pool.ts';
import { microsOf, plainArray, timestamptz } from '../sql.ts';
import { AccountOwners } from './owners.ts';
import { readPlaces, type SealedPlaces } from './segments.ts';

/** A transfer with its numbers. */
export interface SealedTransfer {
  /** From 0 on and without gaps, transfers alone. */
  readonly leaf: bigint;
  readonly sequence: bigint;
  readonly id: string;
  /** Undefined where neither the ledger nor the archive has it, which nothing of ours can bring about. */
  readonly transfer: LeafTransfer | undefined;
}

/** What the log says of a transfer; the users are undefined where an account is no wallet. */
export interface LeafTransfer {
  readonly id: string;
  readonly kind: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly createdAt: Micros;
  readonly debit: { readonly userId: bigint | undefined; readonly accountId: string };
  readonly credit: { readonly userId: bigint | undefined; readonly accountId: string };
}

/**
 * Up to `limit` transfers from a leaf on, in their order.
 * @param owners What is known of the users of accounts already; those who read on give the same one again.
 */
export async function readSealedTransfers(
  places: TransferPlaces,
  fromLeaf: bigint,
  limit: number,
  owners = new AccountOwners(),
): Promise<SealedTransfer[]> {
  const sealed = await readPlaces(places.reads, 'leaves', fromLeaf, limit);
  const found = await findLeafTransfers(places, sealed, owners);
  return sealed.places.map(({ sequence, leaf = 0n, id }) => ({
    leaf,
    sequence,
    id,
    transfer: found.get(id),
  }));
}

/** All of them as one text, a line each: a row for each would cost the driver more than the rest of a leaf does. */
const FIND = `
  SELECT string_agg(concat_ws(' ', id, kind, currency, amount, ${microsOf('created_at')}, debit_account_id, credit_account_id), E'\\n')
    AS lines
  FROM transfers WHERE id = ANY ($1::uuid[]) AND created_at >= $2 AND created_at <= $3`;

async function findLeafTransfers(
  places: TransferPlaces,
  { places: sealed, firstAt, lastAt }: SealedPlaces,
  owners: AccountOwners,
): Promise<ReadonlyMap<string, LeafTransfer>> {
  if (sealed.length === 0) return new Map();
  const ids = sealed.map(({ id }) => id);
  const values = [plainArray(ids), timestamptz(firstAt), timestamptz(lastAt)];
  const statement = { name: 'feed-leaves', text: FIND, values };
  const { rows } = await places.reads.query<{ lines: string | null }>(statement);
  const lines = (rows[0]?.lines?.split('\n') ?? []).map((line) => line.split(' '));
  const found = new Map<string, LeafTransfer>();
  const add = (line: readonly string[]) => {
    const transfer = parseLine(line, owners);
    if (transfer) found.set(transfer.id, transfer);
    return transfer !== undefined;
  };
  const unknown = lines.filter((line) => !add(line));
  if (unknown.length > 0) {
    await owners.load(
      places.reads,
      unknown.flatMap((line) => line.slice(DEBIT)),
    );
    unknown.forEach(add);
  }
  const missing = ids.filter((id) => !found.has(id));
  for (const posted of await findMovedTransfers(places, missing))
    found.set(posted.transfer.id, toLeaf(posted));
  return found;
}

/** Where the accounts begin in a line. */
const DEBIT = 5;

/**
 * A transfer with the users of its accounts; undefined while one of these is not known. An account that is gone is never known, so
 * its transfers are missing, too: a leaf without its user would be a wrong one.
 */
function parseLine(
  [id = '', kind = '', currency = '', amount = '', at, debit = '', credit = '']: readonly string[],
  owners: AccountOwners,
): LeafTransfer | undefined {
  const [debitUser, creditUser] = [owners.of(debit), owners.of(credit)];
  if (debitUser === undefined || creditUser === undefined) return undefined;
  return {
    id,
    kind,
    currency,
    amount: BigInt(amount),
    createdAt: Number(at),
    debit: { userId: debitUser || undefined, accountId: debit },
    credit: { userId: creditUser || undefined, accountId: credit },
  };
}

function toLeaf({ transfer, debitUserId, creditUserId }: PostedTransfer): LeafTransfer {
  const { id, kind, currency, amount, createdAt, debitAccountId, creditAccountId } = transfer;
  return {
    ...{ id, kind, currency, amount, createdAt },
    debit: { userId: debitUserId, accountId: debitAccountId },
    credit: { userId: creditUserId, accountId: creditAccountId },
  };
}

const WRITER = 'SELECT written_by FROM transfers WHERE id = $1 AND created_at >= $2 AND created_at < $3';
const ARCHIVED_WRITER = 'SELECT written_by FROM transfers WHERE id = $1';

/** Announcements that come before it in its segment are no leaves. */
const LEAF = `
  SELECT first_leaf + place - 1 - (SELECT count(*) FROM unnest(announced) AS before WHERE before < place) AS leaf
  FROM feed_segments, LATERAL (SELECT array_position(ids, $2::uuid) AS place) AS p
  WHERE writers @> $1::bigint AND place IS NOT NULL LIMIT 1`;

/** The leaf of a transfer; undefined where it is not sealed yet, is older than the feed, or does not exist. */
export async function leafOf(
  { reads, archive }: TransferPlaces,
  transferId: string,
): Promise<bigint | undefined> {
  const moment = momentOfTransferId(transferId);
  if (moment === undefined || moment >= END_OF_TIME) return undefined;
  type Writer = { written_by: string | null };
  const values = [transferId, timestamptz(moment), timestamptz(moment + MICROS_PER_MS)];
  const here = await reads.query<Writer>({ name: 'feed-writer', text: WRITER, values });
  const archived = { name: 'feed-archived-writer', text: ARCHIVED_WRITER, values: [transferId] };
  const row = here.rows[0] ?? (await archive?.query<Writer>(archived))?.rows[0];
  if (!row?.written_by) return undefined;
  const { rows } = await reads.query<{ leaf: string }>({
    name: 'feed-leaf-of',
    text: LEAF,
    values: [row.written_by, transferId],
  });
  return rows[0] && BigInt(rows[0].leaf);
}

const UNSEALED = `
  SELECT FROM feed_end s, transfers t
  WHERE t.id = $1 AND t.created_at >= $2 AND t.created_at < $3
    AND (t.written_by >= s.next_transaction OR t.written_by = ANY (s.in_flight || s.sealed_by))`;

/** Whether a transfer is there that the next seal takes. Asked before leafOf(), it tells what is sealed late from what never is. */
export async function isUnsealed(db: Reader, transferId: string): Promise<boolean> {
  const moment = momentOfTransferId(transferId);
  if (moment === undefined || moment >= END_OF_TIME) return false;
  const values = [transferId, timestamptz(moment), timestamptz(moment + MICROS_PER_MS)];
  return (await db.query({ name: 'feed-unsealed', text: UNSEALED, values })).rows.length > 0;
}
