// Payouts: locked, created, and changed together with their money.
import type { PoolClient } from 'pg';
import { PAYOUT_COLUMNS, type PayoutRow, toPayout } from '../../db/payouts/index.ts';
import { plainArray, textArray, timestamptz } from '../../db/sql.ts';
import type { BatchContext, ReadSet } from '../../domain/batch/ledger-batch.ts';
import { type ChangedPayout, type FailedLine, Payouts } from '../../domain/batch/payouts.ts';
import type { Payout } from '../../domain/payout.ts';
import type { Micros } from '../../domain/time.ts';
import { type Facet, type Statement, touchingAll } from '../facet.ts';

/** Locked after the accounts, in the order of their ids. */
const LOCK = `SELECT ${PAYOUT_COLUMNS} FROM payouts p WHERE p.id = ANY ($1::uuid[]) ORDER BY p.id FOR NO KEY UPDATE`;

const INSERT_PAYOUTS: Statement<Payout> = {
  name: 'insert-payouts',
  text: `
  INSERT INTO payouts (id, owner_user_id, source_account_id, pot_account_id, currency, mode, memo, state, created_at)
  SELECT new.*, 'draft', $8 FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[])
    AS new (id, owner_user_id, source_account_id, pot_account_id, currency, mode, memo)`,
  rows: ({ payouts }) => payouts.created,
  values: (created, { at }) => [
    plainArray(created.map(({ id }) => id)),
    plainArray(created.map(({ ownerUserId }) => ownerUserId)),
    plainArray(created.map(({ sourceAccountId }) => sourceAccountId)),
    plainArray(created.map(({ potAccountId }) => potAccountId)),
    plainArray(created.map(({ currency }) => currency)),
    plainArray(created.map(({ mode }) => mode)),
    textArray(created.map(({ memo }) => memo)),
    timestamptz(at),
  ],
};

/** The next line follows from the last one that was settled. */
const UPDATE_PAYOUTS = touchingAll<ChangedPayout>({
  name: 'update-payouts',
  text: `
  UPDATE payouts p SET state = new.state, funded_amount = new.funded, paid_amount = new.paid, paid_count = new.paid_count,
    failed_count = new.failed_count, next_line = coalesce(new.last_line + 1, p.next_line), started_at = new.started_at,
    ended_at = new.ended_at
  FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::integer[], $6::integer[], $7::integer[],
    $8::timestamptz[], $9::timestamptz[])
    AS new (id, state, funded, paid, paid_count, failed_count, last_line, started_at, ended_at),
    LATERAL (SELECT i.ctid FROM payouts i WHERE i.id = new.id OFFSET 0) AS found
  WHERE p.ctid = found.ctid`,
  rows: ({ payouts }) => payouts.changed(),
  values: (changed) => [
    plainArray(changed.map(({ payout }) => payout.id)),
    plainArray(changed.map(({ payout }) => payout.state)),
    plainArray(changed.map(({ payout }) => payout.fundedAmount)),
    plainArray(changed.map(({ payout }) => payout.paidAmount)),
    plainArray(changed.map(({ payout }) => payout.paidCount)),
    plainArray(changed.map(({ payout }) => payout.failedCount)),
    plainArray(changed.map(({ lastLine }) => lastLine ?? 'NULL')),
    plainArray(changed.map(({ payout }) => orNull(payout.startedAt))),
    plainArray(changed.map(({ payout }) => orNull(payout.endedAt))),
  ],
});

const SET_FAILED_LINES = touchingAll<FailedLine>({
  name: 'note-failed-lines',
  text: `
  UPDATE payout_lines l SET reason = new.reason
  FROM unnest($1::uuid[], $2::integer[], $3::text[]) AS new (payout_id, line, reason),
    LATERAL (SELECT i.ctid FROM payout_lines i WHERE i.payout_id = new.payout_id AND i.line = new.line OFFSET 0) AS found
  WHERE l.ctid = found.ctid`,
  rows: ({ payouts }) => payouts.failedLines,
  values: (failed) => [
    plainArray(failed.map(({ payoutId }) => payoutId)),
    plainArray(failed.map(({ line }) => line)),
    plainArray(failed.map(({ reason }) => reason)),
  ],
});

const orNull = (moment: Micros | undefined) => (moment === undefined ? 'NULL' : timestamptz(moment));

const STATEMENTS = [INSERT_PAYOUTS, UPDATE_PAYOUTS, SET_FAILED_LINES];

/** Locks and reads the payouts that the calls of a batch name. */
export class PayoutsFacet implements Facet<Payouts> {
  readonly #ids = new Set<string>();
  readonly statements = STATEMENTS;

  collect({ payoutId }: ReadSet): void {
    if (payoutId) this.#ids.add(payoutId);
  }

  load(client: PoolClient, context: BatchContext): Payouts | Promise<Payouts> {
    return this.#ids.size === 0 ? new Payouts([], context) : this.#lock(client, context);
  }

  async #lock(client: PoolClient, context: BatchContext): Promise<Payouts> {
    const values = [this.lockValue()];
    const { rows } = await client.query<PayoutRow>({ name: 'lock-payouts', text: LOCK, values });
    return new Payouts(rows.map(toPayout), context);
  }

  /** The ids of the payouts that a batch locks, as the parameter of a statement. */
  lockValue(): string {
    return plainArray([...this.#ids]);
  }
}
