// Transfers: posted together with the balances that they change.

import type { PoolClient } from 'pg';
import { usageText } from '../../db/rows.ts';
import { plainArray, textArray, timestamptz } from '../../db/sql.ts';
import type { BatchContext, LedgerBatch } from '../../domain/batch/ledger-batch.ts';
import { Transfers } from '../../domain/batch/transfers.ts';
import type { Transfer } from '../../domain/transfer.ts';
import type { Facet, Statement } from '../facet.ts';

/**
 * Posts transfers and updates their accounts: this login may write neither by itself (migration 0170). The function raises where
 * a balance does not follow, and where a wallet is frozen or closed.
 */
const POST_TRANSFERS: Statement<Transfer> = {
  name: 'post-transfers',
  text: 'SELECT post_transfers($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)',
  rows: ({ transfers }) => transfers.posted,
  values: (posted, batch) => {
    const at = timestamptz(batch.at);
    return [
      plainArray(posted.map(({ id }) => id)),
      plainArray(posted.map(({ kind }) => kind)),
      plainArray(posted.map(({ currency }) => currency)),
      plainArray(posted.map(({ amount }) => amount)),
      plainArray(posted.map(({ debitAccountId }) => debitAccountId)),
      plainArray(posted.map(({ creditAccountId }) => creditAccountId)),
      plainArray(posted.map(({ debitBalanceAfter }) => debitBalanceAfter)),
      plainArray(posted.map(({ creditBalanceAfter }) => creditBalanceAfter)),
      plainArray(posted.map(({ sprinkleId }) => sprinkleId ?? 'NULL')),
      textArray(posted.map(({ memo }) => memo)),
      textArray(posted.map(({ keyId }) => keyId)),
      // Nearly all of them have the batch's own moment, and formatting that once for each is expensive.
      plainArray(posted.map(({ createdAt }) => (createdAt === batch.at ? at : timestamptz(createdAt)))),
      ...usageColumns(posted, batch),
    ];
  },
};

const NOT_COUNTED = [null, null] as const;

/** What counted wallets have moved, once for each: beside the first transfer that it is on that side of. Nulls without limits. */
function usageColumns(posted: readonly Transfer[], { limits }: LedgerBatch): readonly (string | null)[] {
  if (!limits.isActive) return NOT_COUNTED;
  const usages = limits.usages();
  const take = (id: string) => {
    const usage = usages.get(id);
    if (usage === undefined) return 'NULL';
    usages.delete(id);
    return usageText(usage);
  };
  return [
    plainArray(posted.map(({ debitAccountId }) => take(debitAccountId))),
    plainArray(posted.map(({ creditAccountId }) => take(creditAccountId))),
  ];
}

const STATEMENTS = [POST_TRANSFERS];

/** Reads nothing: what a transfer depends on lies in its accounts. */
export class TransfersFacet implements Facet<Transfers> {
  readonly statements = STATEMENTS;

  load(_client: PoolClient, context: BatchContext): Transfers {
    // It looks at the other facets only once calls are decided, and by then they are there.
    return new Transfers(context as LedgerBatch);
  }
}
