// Writes what a batch did to payouts, with the money.
import type { Book } from '../../domain/book.ts';
import type { Micros } from '../../domain/time.ts';
import { plainArray, textArray, timestamptz } from '../sql.ts';
import type { Statement } from './write-book.ts';

const INSERT_PAYOUTS = `
  INSERT INTO payouts (id, owner_user_id, source_account_id, pot_account_id, currency, mode, memo, state, created_at)
  SELECT new.*, 'draft', $8 FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[])
    AS new (id, owner_user_id, source_account_id, pot_account_id, currency, mode, memo)`;

const UPDATE_PAYOUTS = `
  UPDATE payouts p SET state = new.state, funded_amount = new.funded, paid_amount = new.paid, paid_count = new.paid_count,
    failed_count = new.failed_count, next_line = coalesce(new.last_line + 1, p.next_line), started_at = new.started_at,
    ended_at = new.ended_at
  FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::integer[], $6::integer[], $7::integer[],
    $8::timestamptz[], $9::timestamptz[])
    AS new (id, state, funded, paid, paid_count, failed_count, last_line, started_at, ended_at) WHERE p.id = new.id`;

const NOTE_FAILED_LINES = `
  UPDATE payout_lines l SET reason = new.reason
  FROM unnest($1::uuid[], $2::integer[], $3::text[]) AS new (payout_id, line, reason)
  WHERE l.payout_id = new.payout_id AND l.line = new.line`;

const orNull = (moment: Micros | undefined) => (moment === undefined ? 'NULL' : timestamptz(moment));

/** Puts in the payouts that the batch made. */
export function insertPayouts(book: Book): Statement {
  const made = book.payouts.newPayouts;
  return {
    name: 'insert-payouts',
    text: INSERT_PAYOUTS,
    values: [
      plainArray(made.map(({ id }) => id)),
      plainArray(made.map(({ ownerUserId }) => ownerUserId)),
      plainArray(made.map(({ sourceAccountId }) => sourceAccountId)),
      plainArray(made.map(({ potAccountId }) => potAccountId)),
      plainArray(made.map(({ currency }) => currency)),
      plainArray(made.map(({ mode }) => mode)),
      textArray(made.map(({ memo }) => memo)),
      timestamptz(book.at),
    ],
    rows: made.length,
  };
}

/** Writes how the payouts that the batch changed stand. Which line is next is taken from the lines that were settled. */
export function updatePayouts(book: Book): Statement {
  const changed = book.payouts.changedPayouts();
  return {
    name: 'update-payouts',
    text: UPDATE_PAYOUTS,
    values: [
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
    rows: changed.length,
  };
}

/** Writes why lines could not be paid. */
export function noteFailedLines(book: Book): Statement {
  const failed = book.payouts.failedLines;
  return {
    name: 'note-failed-lines',
    text: NOTE_FAILED_LINES,
    values: [
      plainArray(failed.map(({ payoutId }) => payoutId)),
      plainArray(failed.map(({ line }) => line)),
      plainArray(failed.map(({ reason }) => reason)),
    ],
    rows: failed.length,
  };
}
