// Transfers: posted together with the balances that they change.
import { usageText } from '../../db/rows.ts';
import { plainArray } from '../../db/sql.ts';
import type { LedgerBatch } from '../../domain/batch/ledger-batch.ts';
import { Transfers } from '../../domain/batch/transfers.ts';
import type { Transfer } from '../../domain/transfer.ts';
import type { Facet, Statement } from '../facet.ts';
import { givenRows } from '../given-rows.ts';

const POSTED = givenRows<Transfer>('posted', {
  id: ['uuid', ({ id }) => id],
  kind: ['transfer_kind', ({ kind }) => kind],
  currency: ['text', ({ currency }) => currency],
  amount: ['bigint', ({ amount }) => amount],
  debit_account_id: ['uuid', ({ debitAccountId }) => debitAccountId],
  credit_account_id: ['uuid', ({ creditAccountId }) => creditAccountId],
  debit_balance_after: ['bigint', ({ debitBalanceAfter }) => debitBalanceAfter],
  credit_balance_after: ['bigint', ({ creditBalanceAfter }) => creditBalanceAfter],
  sprinkle_id: ['uuid', ({ sprinkleId }) => sprinkleId],
  memo: ['text', ({ memo }) => memo],
  key_id: ['text', ({ keyId }) => keyId],
  created_at: ['timestamptz', ({ createdAt }) => createdAt],
});

/**
 * Posts transfers and updates their accounts: this login may write neither by itself (migration 0170). The function raises where
 * a balance does not follow, and where a wallet is frozen or closed.
 */
const POST_TRANSFERS: Statement<Transfer> = {
  name: 'post-transfers',
  text: `SELECT post_transfers(${POSTED.parameters}, $13, $14)`,
  rows: ({ transfers }) => transfers.posted,
  values: (posted, batch) => [...POSTED.values(posted), ...usageColumns(posted, batch)],
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

/** Reads nothing: what a transfer depends on lies in its accounts. */
export const transfers: Facet<Transfers> = {
  // It looks at the other facets only once calls are decided, and by then they are there.
  load: (_client, _asked, context) => new Transfers(context as LedgerBatch),
  statements: [POST_TRANSFERS],
};
