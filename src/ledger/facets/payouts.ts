// Payouts: locked, created, and changed together with their money.
import { PAYOUT_COLUMNS, type PayoutRow, toPayout } from '../../db/payouts/index.ts';
import { plainArray } from '../../db/sql.ts';
import { type ChangedPayout, type FailedLine, Payouts } from '../../domain/batch/payouts.ts';
import type { Payout } from '../../domain/payout.ts';
import { type Asked, distinct, type Facet } from '../facet.ts';
import { insertDated, updateOf } from '../given-rows.ts';

/** Locked after the accounts, in the order of their ids. */
const LOCK = `SELECT ${PAYOUT_COLUMNS} FROM payouts p WHERE p.id = ANY ($1::uuid[]) ORDER BY p.id FOR NO KEY UPDATE`;

const INSERT_PAYOUTS = insertDated<Payout>('payouts', ({ payouts }) => payouts.created, {
  id: ['uuid', ({ id }) => id],
  owner_user_id: ['bigint', ({ ownerUserId }) => ownerUserId],
  source_account_id: ['uuid', ({ sourceAccountId }) => sourceAccountId],
  pot_account_id: ['uuid', ({ potAccountId }) => potAccountId],
  currency: ['text', ({ currency }) => currency],
  mode: ['text', ({ mode }) => mode],
  memo: ['text', ({ memo }) => memo],
  state: ['text', () => 'draft'],
});

/** The next line follows from the last one that was settled. */
const UPDATE_PAYOUTS = updateOf<ChangedPayout>(
  'payouts',
  ({ payouts }) => payouts.changed(),
  { id: ['uuid', ({ payout }) => payout.id] },
  {
    state: ['text', ({ payout }) => payout.state],
    funded_amount: ['bigint', ({ payout }) => payout.fundedAmount],
    paid_amount: ['bigint', ({ payout }) => payout.paidAmount],
    paid_count: ['integer', ({ payout }) => payout.paidCount],
    failed_count: ['integer', ({ payout }) => payout.failedCount],
    next_line: ['integer', ({ lastLine }) => (lastLine === undefined ? undefined : lastLine + 1)],
    started_at: ['timestamptz', ({ payout }) => payout.startedAt],
    ended_at: ['timestamptz', ({ payout }) => payout.endedAt],
  },
);

const SET_FAILED_LINES = updateOf<FailedLine>(
  'payout_lines',
  ({ payouts }) => payouts.failedLines,
  { payout_id: ['uuid', ({ payoutId }) => payoutId], line: ['integer', ({ line }) => line] },
  { reason: ['text', ({ reason }) => reason] },
);

/** The ids of the payouts that the calls of a batch lock. */
export function payoutIds(asked: readonly Asked[]): string[] {
  return distinct(asked, ({ payoutId }) => payoutId);
}

/** Locks and reads the payouts that the calls of a batch name. */
export const payouts: Facet<Payouts> = {
  load: async (client, asked, context) => {
    const ids = payoutIds(asked);
    if (ids.length === 0) return new Payouts([], context);
    const values = [plainArray(ids)];
    const { rows } = await client.query<PayoutRow>({ name: 'lock-payouts', text: LOCK, values });
    return new Payouts(rows.map(toPayout), context);
  },
  statements: [INSERT_PAYOUTS, UPDATE_PAYOUTS, SET_FAILED_LINES],
};
