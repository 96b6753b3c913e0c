// Tells what a restore undid: every transfer that was committed after its moment, as the rest of the WAL and transactions.log know it.
import { readFileSync } from 'node:fs';
import type pg from 'pg';
import type { WalCommit } from './wal-commits.ts';

/** A transfer that is not in the restored ledger. */
export interface UndoneTransfer {
  readonly transferId: string;
  readonly kind: string;
  readonly currency: string;
  readonly amount: string;
  readonly debitAccountId: string;
  readonly creditAccountId: string;
  readonly postedAt: string;
  /** Who knows of it. */
  readonly knownFrom: 'wal' | 'log';
}

/** What was undone. */
export interface Undone {
  /** Transactions of the WAL that were committed after the moment. */
  readonly transactions: number;
  readonly transfers: readonly UndoneTransfer[];
  /** Why the WAL could not be asked, or up to where; empty where it told everything. */
  readonly limits: string;
}

/** Batches carry the moment at which they were decided, and are committed later, by this much at most. */
const COMMITTED_WITHIN = `interval '10 minutes'`;

const TRANSFERS = `
  SELECT id AS "transferId", kind, currency, amount::text, debit_account_id AS "debitAccountId",
    credit_account_id AS "creditAccountId", to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "postedAt"
  FROM transfers WHERE created_at >= $1::timestamptz - ${COMMITTED_WITHIN} ORDER BY created_at, id`;

const FILES = `
  SELECT pg_relation_filepath(oid) AS file FROM pg_class
  WHERE oid = 'transfers'::regclass OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'transfers'::regclass)`;

/** The transfers of the undone future that the restored ledger does not have. */
export async function undoneInFuture(
  future: pg.Client,
  present: pg.Client,
  since: Date,
): Promise<UndoneTransfer[]> {
  const kept = new Set(
    (await present.query<UndoneTransfer>(TRANSFERS, [since])).rows.map(({ transferId }) => transferId),
  );
  const { rows } = await future.query<UndoneTransfer>(TRANSFERS, [since]);
  return rows.filter(({ transferId }) => !kept.has(transferId)).map((row) => ({ ...row, knownFrom: 'wal' }));
}

/** The commit that removed a file of the table of transfers, from which on the WAL's ledger tells nothing. */
export async function commitThatDropsTransfers(
  present: pg.Client,
  commits: readonly WalCommit[],
): Promise<WalCommit | undefined> {
  const { rows } = await present.query<{ file: string | null }>(FILES);
  const files = new Set(rows.map(({ file }) => file));
  return commits.find(({ removed }) => removed.some((file) => files.has(file)));
}

/** The transfers of files of transactions.log that the restored ledger does not have. */
export async function undoneInLogs(
  present: pg.Client,
  files: readonly string[],
  since: Date,
): Promise<UndoneTransfer[]> {
  const from = new Date(since.getTime() - 10 * 60_000).toISOString();
  const told = files.flatMap((file) => readFileSync(file, 'utf8').split('\n').flatMap(parseLine));
  const recent = told.filter(({ postedAt }) => postedAt >= from);
  const { rows } = await present.query<{ id: string }>(
    'SELECT id FROM transfers WHERE id = ANY ($1::uuid[])',
    [recent.map(({ transferId }) => transferId)],
  );
  const kept = new Set(rows.map(({ id }) => id));
  return recent.filter(({ transferId }) => !kept.has(transferId));
}

/** A line of transactions.log, whose fields are those of the Elastic Common Schema (docs/logs.md); others are left out. */
function parseLine(line: string): UndoneTransfer[] {
  if (!line.includes('"ppuri.transfer.id"')) return [];
  try {
    const fields = JSON.parse(line) as Record<string, unknown>;
    const text = (name: string) => String(fields[name] ?? '');
    const transferId = text('ppuri.transfer.id');
    if (!/^[0-9a-f-]{36}$/.test(transferId)) return [];
    return [
      {
        transferId,
        kind: text('event.action'),
        currency: text('ppuri.currency'),
        amount: text('ppuri.amount'),
        debitAccountId: text('ppuri.debit.account_id'),
        creditAccountId: text('ppuri.credit.account_id'),
        postedAt: text('@timestamp'),
        knownFrom: 'log',
      },
    ];
  } catch {
    // A line that was cut off when its process was killed.
    return [];
  }
}

/** Those of the WAL, and of the logs those that the WAL does not know. */
export function mergeUndone(
  fromWal: readonly UndoneTransfer[],
  fromLogs: readonly UndoneTransfer[],
): UndoneTransfer[] {
  const known = new Set(fromWal.map(({ transferId }) => transferId));
  const seen = new Map(
    fromLogs.filter(({ transferId }) => !known.has(transferId)).map((each) => [each.transferId, each]),
  );
  return [...fromWal, ...seen.values()].sort((a, b) => (a.postedAt < b.postedAt ? -1 : 1));
}
