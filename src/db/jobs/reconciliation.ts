// Reconciles the ledger, adding up only the transfers that are new since the last time.
import type { Pool } from 'pg';
import { inTransaction } from './transaction.ts';

/** Something in the ledger that does not agree with something else. */
export interface LedgerFault {
  readonly kind: 'account' | 'currency' | 'sprinkle';
  /** Which account, currency or sprinkle. */
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
 * are open or were closed since the last time against them, all in one moment's view of the ledger. A function of the
 * owner does it (migration 0053), so that nobody else can write what was found.
 */
export function reconcile(pool: Pool): Promise<Reconciliation> {
  return inTransaction(pool, async (client) => {
    await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await client.query(`SET LOCAL statement_timeout = '${STATEMENT_TIMEOUT}'`);
    // Two at once would add the same transfers twice. The view is that of the first statement after this one.
    await client.query('LOCK TABLE ledger_checkpoints IN SHARE ROW EXCLUSIVE MODE');
    type Row = { transfers: string; faults: LedgerFault[] };
    const { rows } = await client.query<Row>('SELECT transfers, faults FROM reconcile_ledger()');
    return { transfers: Number(rows[0]?.transfers), faults: rows[0]?.faults ?? [] };
  });
}
