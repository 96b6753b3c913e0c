// Reconciles the ledger, adding up only the transfers that are new since the last time.
import type { Pool } from 'pg';
import type { Reader } from '../pool.ts';
import { inTransaction } from '../transaction.ts';

/** Something in the ledger that does not agree with something else. */
export interface LedgerFault {
  readonly kind:
    | 'account'
    | 'currency'
    | 'sprinkle'
    | 'hold'
    | 'held'
    | 'refunded'
    | 'refund'
    | 'usage'
    | 'owner';
  /** Which account, currency, sprinkle, hold or transfer. */
  readonly id: string;
  readonly found: string;
  readonly expected: string;
}

/** The result of a reconciliation. */
export interface Reconciliation {
  /** How many transfers were added up. */
  readonly transfers: number;
  readonly faults: readonly LedgerFault[];
}

/** Its statements read all that is new; they may take their time. */
const STATEMENT_TIMEOUT = '30min';

/**
 * Adds the new transfers to the checkpoints and holds every account, every currency's sum, and the pots of sprinkles that
 * are open or were closed since the last time against them, and what limits go by against the transfers, all in one moment's
 * view of the ledger. Functions of the owner do it (migrations 0053 and 0110), so that nobody else can write what was found.
 */
export function reconcile(pool: Pool): Promise<Reconciliation> {
  return inTransaction(pool, async (client) => {
    await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await client.query(`SET LOCAL statement_timeout = '${STATEMENT_TIMEOUT}'`);
    // Two at once would add the same transfers twice. The view is that of the first statement after this one.
    await client.query('LOCK TABLE ledger_checkpoints IN SHARE ROW EXCLUSIVE MODE');
    type Row = { transfers: string; faults: LedgerFault[] };
    const { rows } = await client.query<Row>('SELECT transfers, faults FROM reconcile_ledger()');
    const limits = await client.query<{ faults: LedgerFault[] }>('SELECT faults FROM reconcile_limits()');
    const faults = [...(rows[0]?.faults ?? []), ...(limits.rows[0]?.faults ?? [])];
    return { transfers: Number(rows[0]?.transfers), faults };
  });
}

const LAST = `
  SELECT json_array_length(faults) AS faults, extract(epoch FROM clock_timestamp() - ran_at)::float8 AS "ageSeconds"
  FROM reconciliations ORDER BY id DESC LIMIT 1`;

/** How many faults the last reconciliation found, and how long ago that was, in seconds; undefined before the first. */
export async function lastReconciliation(
  db: Reader,
): Promise<{ readonly faults: number; readonly ageSeconds: number } | undefined> {
  const statement = { name: 'last-reconciliation', text: LAST, values: [] };
  return (await db.query<{ faults: number; ageSeconds: number }>(statement)).rows[0];
}
