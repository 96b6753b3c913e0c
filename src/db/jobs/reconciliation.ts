// Holds the ledger against itself, adding up only the transfers that are new since the last time.
import type { Pool, PoolClient } from 'pg';
import { inTransaction } from './transaction.ts';

/** Something in the ledger that does not agree with something else. */
export interface LedgerFault {
  readonly kind: 'account' | 'currency' | 'sprinkle';
  /** Which account, currency or sprinkle. */
  readonly id: string;
  readonly found: string;
  readonly expected: string;
}

/** How holding it went. */
export interface Reconciliation {
  /** How many transfers were added up. */
  readonly transfers: number;
  readonly faults: readonly LedgerFault[];
}

/** No batch commits a transfer so long after the moment that it carries: statements and idle transactions end before. */
const SETTLED_AFTER = `interval '60 seconds'`;
const MAX_FAULTS = 100;
/** Its statements read all that is new; they may take their time. */
const STATEMENT_TIMEOUT = '30min';

const LAST = `SELECT coalesce(max(through), '-infinity') AS through FROM reconciliations`;

const moved = (where: string) => `
  SELECT account_id, sum(amount)::bigint AS amount, count(*) AS transfers FROM (
    SELECT debit_account_id AS account_id, -amount AS amount FROM transfers WHERE ${where}
    UNION ALL SELECT credit_account_id, amount FROM transfers WHERE ${where}
  ) AS sides GROUP BY account_id`;

const ADD_UP = `
  WITH added AS (
    INSERT INTO ledger_checkpoints AS c (account_id, balance, transfers)
    SELECT account_id, amount, transfers FROM (${moved('created_at >= $1 AND created_at < $2')}) AS new
    ON CONFLICT (account_id) DO UPDATE
      SET balance = c.balance + excluded.balance, transfers = c.transfers + excluded.transfers)
  SELECT count(*) AS transfers FROM transfers WHERE created_at >= $1 AND created_at < $2`;

/** What came after the checkpoints is added on the fly, so that busy accounts are held too. */
const ACCOUNTS = `
  WITH fresh AS (${moved('created_at >= $1')})
  SELECT 'account' AS kind, a.id::text, format('%s after %s transfers', a.balance, a.version) AS found,
    format('%s after %s transfers', coalesce(c.balance, 0) + coalesce(f.amount, 0),
      coalesce(c.transfers, 0) + coalesce(f.transfers, 0)) AS expected
  FROM accounts a LEFT JOIN ledger_checkpoints c ON c.account_id = a.id LEFT JOIN fresh f ON f.account_id = a.id
  WHERE a.balance <> coalesce(c.balance, 0) + coalesce(f.amount, 0)
     OR a.version <> coalesce(c.transfers, 0) + coalesce(f.transfers, 0) LIMIT ${MAX_FAULTS}`;

const CURRENCIES = `
  SELECT 'currency' AS kind, currency AS id, sum(balance)::text AS found, '0' AS expected
  FROM accounts GROUP BY currency HAVING sum(balance) <> 0`;

const SPRINKLES = `
  SELECT 'sprinkle' AS kind, s.id::text, p.balance::text AS found, left_over::text AS expected
  FROM sprinkles s JOIN accounts p ON p.id = s.pot_account_id,
    LATERAL (SELECT CASE WHEN s.closed_at IS NULL
      THEN (SELECT coalesce(sum(share), 0) FROM unnest(s.shares[s.claimed_count + 1 :]) AS share) ELSE 0 END) AS l (left_over)
  WHERE p.balance <> left_over AND (s.closed_at IS NULL OR s.closed_at >= $1) LIMIT ${MAX_FAULTS}`;

/**
 * Adds the new transfers to the checkpoints and holds every account, every currency's sum, and the pots of sprinkles that
 * are open or were closed since the last time against them, all in one moment's view of the ledger.
 */
export function reconcile(pool: Pool): Promise<Reconciliation> {
  return inTransaction(pool, async (client) => {
    await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await client.query(`SET LOCAL statement_timeout = '${STATEMENT_TIMEOUT}'`);
    // Two at once would add the same transfers twice.
    await client.query('LOCK TABLE ledger_checkpoints IN SHARE ROW EXCLUSIVE MODE');
    const last = await client.query<{ through: string; next: string }>(
      `SELECT through::text, (clock_timestamp() - ${SETTLED_AFTER})::text AS next FROM (${LAST}) AS last`,
    );
    const { through = '-infinity', next = '-infinity' } = last.rows[0] ?? {};
    const added = await client.query<{ transfers: string }>(ADD_UP, [through, next]);
    const faults = [
      ...(await faultsIn(client, ACCOUNTS, [next])),
      ...(await faultsIn(client, CURRENCIES, [])),
      ...(await faultsIn(client, SPRINKLES, [through])),
    ];
    const transfers = Number(added.rows[0]?.transfers);
    await client.query('INSERT INTO reconciliations (through, transfers, faults) VALUES ($1, $2, $3)', [
      next,
      transfers,
      JSON.stringify(faults),
    ]);
    return { transfers, faults };
  });
}

async function faultsIn(client: PoolClient, sql: string, values: readonly string[]): Promise<LedgerFault[]> {
  return (await client.query<LedgerFault>(sql, [...values])).rows;
}
