// Payouts: locked, created, and changed together with their money.
import type { PoolClient } from 'pg';
import { PAYOUT_COLUMNS, type PayoutRow, toPayout } from '../../db/payouts/index.ts';
import { plainArray } from '../../db/sql.ts';
import type { BatchContext, ReadSet } from '../../domain/batch/ledger-batch.ts';
import { type ChangedPayout, type FailedLine, Payouts } from '../../domain/batch/payouts.ts';
import type { Payout } from '../../domain/payout.ts';
import { type Facet, touchingAll } from '../facet.ts';
import { givenRows, insertInto } from '../given-rows.ts';

/** Locked after the accounts, in the order of their ids. */
const LOCK = `SELECT ${PAYOUT_COLUMNS} FROM payouts p WHERE p.id = ANY ($1::uuid[]) ORDER BY p.id FOR NO KEY UPDATE`;

const INSERT_PAYOUTS = insertInto<Payout>(
  'payouts',
  ({ payouts }) => payouts.created,
  {
    id: ['uuid', ({ id }) => id],
    owner_user_id: ['bigint', ({ ownerUserId }) => ownerUserId],
    source_account_id: ['uuid', ({ sourceAccountId }) => sourceAccountId],
    pot_account_id: ['uuid', ({ potAccountId }) => potAccountId],
    currency: ['text', ({ currency }) => currency],
    mode: ['text', ({ mode }) => mode],
    memo: ['text', ({ memo }) => memo],
    state: ['text', () => 'draft'],
  },
  'created_at',
);

const CHANGED = givenRows<ChangedPayout>('new', {
  id: ['uuid', ({ payout }) => payout.id],
  state: ['text', ({ payout }) => payout.state],
  funded: ['bigint', ({ payout }) => payout.fundedAmount],
  paid: ['bigint', ({ payout }) => payout.paidAmount],
  paid_count: ['integer', ({ payout }) => payout.paidCount],
  failed_count: ['integer', ({ payout }) => payout.failedCount],
  last_line: ['integer', ({ lastLine }) => lastLine],
  started_at: ['timestamptz', ({ payout }) => payout.startedAt],
  ended_at: ['timestamptz', ({ payout }) => payout.endedAt],
});

/** The next line follows from the last one that was settled. */
const UPDATE_PAYOUTS = touchingAll<ChangedPayout>({
  name: 'update-payouts',
  text: `
  UPDATE payouts p SET state = new.state, funded_amount = new.funded, paid_amount = new.paid, paid_count = new.paid_count,
    failed_count = new.failed_count, next_line = coalesce(new.last_line + 1, p.next_line), started_at = new.started_at,
    ended_at = new.ended_at
  FROM ${CHANGED.text}, LATERAL (SELECT i.ctid FROM payouts i WHERE i.id = new.id OFFSET 0) AS found
  WHERE p.ctid = found.ctid`,
  rows: ({ payouts }) => payouts.changed(),
  values: CHANGED.values,
});

const FAILED = givenRows<FailedLine>('new', {
  payout_id: ['uuid', ({ payoutId }) => payoutId],
  line: ['integer', ({ line }) => line],
  reason: ['text', ({ reason }) => reason],
});

const SET_FAILED_LINES = touchingAll<FailedLine>({
  name: 'note-failed-lines',
  text: `
  UPDATE payout_lines l SET reason = new.reason FROM ${FAILED.text},
    LATERAL (SELECT i.ctid FROM payout_lines i WHERE i.payout_id = new.payout_id AND i.line = new.line OFFSET 0) AS found
  WHERE l.ctid = found.ctid`,
  rows: ({ payouts }) => payouts.failedLines,
  values: FAILED.values,
});

const STATEMENTS = [INSERT_PAYOUTS, UPDATE_PAYOUTS, SET_FAILED_LINES];

/** Locks and reads the payouts that the calls of a batch name. */
export class PayoutsFacet implements Facet<Payouts> {
  readonly #ids = new Set<string>();
  readonly statements = STATEMENTS;

  collect({ payoutId }: ReadSet): void {
    if (payoutId) this.#ids.add(payoutId);
  }

  async load(client: PoolClient, context: BatchContext): Promise<Payouts> {
    if (this.#ids.size === 0) return new Payouts([], context);
    const values = [this.lockValue()];
    const { rows } = await client.query<PayoutRow>({ name: 'lock-payouts', text: LOCK, values });
    return new Payouts(rows.map(toPayout), context);
  }

  /** The ids of the payouts that a batch locks, as the parameter of a statement. */
  lockValue(): string {
    return plainArray([...this.#ids]);
  }
}
