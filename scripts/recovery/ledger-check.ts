// Holds a restored ledger against itself: by its own reconciliation, and once by all transfers that it has.
import type pg from 'pg';

/** The verdict of the books. */
export interface LedgerCheck {
  readonly database: string;
  readonly transfers: number;
  /** What does not agree, as the ledger's reconciliation names it; none where the books are right. */
  readonly faults: readonly {
    readonly kind: string;
    readonly id: string;
    readonly found: string;
    readonly expected: string;
  }[];
}

/**
 * How many transfers have touched an account; changes of holds count in its version, too. A backup from before migration 0081
 * has no such column.
 */
const TOUCHED = `(a.version - coalesce((to_jsonb(a) ->> 'hold_changes')::bigint, 0))`;

/** Every account is the sum of its transfers; without those of months that were archived it cannot be told. */
const ALL_TRANSFERS = `
  WITH moved AS (
    SELECT account_id, sum(amount)::bigint AS amount, count(*) AS transfers FROM (
      SELECT debit_account_id AS account_id, -amount AS amount FROM transfers
      UNION ALL SELECT credit_account_id, amount FROM transfers) AS side GROUP BY account_id)
  SELECT 'account' AS kind, a.id::text AS id, format('%s after %s transfers', a.balance, ${TOUCHED}) AS found,
    format('%s after %s transfers', coalesce(m.amount, 0), coalesce(m.transfers, 0)) AS expected
  FROM accounts a LEFT JOIN moved m ON m.account_id = a.id
  WHERE (a.balance <> coalesce(m.amount, 0)
      OR (a.version <> coalesce(m.transfers, 0) AND ${TOUCHED} <> coalesce(m.transfers, 0)))
    AND NOT EXISTS (SELECT FROM archived_months)
  LIMIT 100`;

/** Reconciles as the worker's job does (migration 0085), and adds up everything. */
export async function checkLedger(client: pg.Client, database: string): Promise<LedgerCheck> {
  type Fault = LedgerCheck['faults'][number];
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await client.query('LOCK TABLE ledger_checkpoints IN SHARE ROW EXCLUSIVE MODE');
  const { rows } = await client.query<{ faults: Fault[] }>('SELECT faults FROM reconcile_ledger()');
  await client.query('COMMIT');
  const added = await client.query<Fault>(ALL_TRANSFERS);
  const count = await client.query<{ transfers: number }>(
    'SELECT count(*)::float8 AS transfers FROM transfers',
  );
  return {
    database,
    transfers: count.rows[0]?.transfers ?? 0,
    faults: [...(rows[0]?.faults ?? []), ...added.rows],
  };
}
