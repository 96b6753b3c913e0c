// Writes what follows from a batch besides its money: sprinkles that are closed, and jobs for later.
import type { Book } from '../../domain/book.ts';
import { plainArray, textArray, timestamptz } from '../sql.ts';
import type { Statement } from './write-book.ts';

const CLOSE_REFUNDED = `UPDATE sprinkles SET closed_at = $2 WHERE id = ANY ($1::uuid[]) AND closed_at IS NULL`;

const INSERT_JOBS = `
  INSERT INTO outbox (job, data, run_at)
  SELECT new.job, new.data::json, new.run_at FROM unnest($1::text[], $2::text[], $3::timestamptz[])
    AS new (job, data, run_at)`;

/** Closes the sprinkles whose pots were paid back. */
export function closeRefunded(book: Book): Statement {
  const { refundedIds } = book.rooms;
  return {
    name: 'close-refunded',
    text: CLOSE_REFUNDED,
    values: [plainArray(refundedIds), timestamptz(book.at)],
    rows: refundedIds.length,
  };
}

/** Puts the jobs that the batch asked for into the outbox, with everything else in one transaction. */
export function insertJobs(book: Book): Statement {
  const jobs = book.newJobs();
  return {
    name: 'insert-jobs',
    text: INSERT_JOBS,
    values: [
      plainArray(jobs.map(({ job }) => job)),
      textArray(jobs.map(({ data }) => JSON.stringify(data))),
      plainArray(jobs.map(({ runAt }) => timestamptz(runAt))),
    ],
    rows: jobs.length,
  };
}
