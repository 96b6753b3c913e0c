// Reads lines of payouts.
import type { Payout, PayoutLine } from '../../domain/payout.ts';
import type { Reader } from '../pool.ts';
import { LINE_COLUMNS, type LineRow, PAYOUT_COLUMNS, type PayoutRow, toLine, toPayout } from './rows.ts';

const BETWEEN = `
  SELECT ${LINE_COLUMNS} FROM payout_lines l WHERE l.payout_id = $1 AND l.line BETWEEN $2 AND $3 ORDER BY l.line`;

/** Includes the invalid lines of a draft: they are validated when they are added. */
const FAILED = `
  SELECT ${LINE_COLUMNS} FROM payout_lines l
  WHERE l.payout_id = $1 AND l.line > $2 AND l.reason IS NOT NULL ORDER BY l.line LIMIT $3`;

const FIND = `SELECT ${PAYOUT_COLUMNS}, p.next_line FROM payouts p WHERE p.id = $1`;

/** A payout with the progress of its lines. */
export interface PayoutView {
  readonly payout: Payout;
  /** The first line that is neither paid nor failed. */
  readonly nextLine: number;
}

const FIND_ALL = `SELECT ${PAYOUT_COLUMNS} FROM payouts p WHERE p.id = ANY($1::uuid[])`;

/** A payout by its id. */
export async function findPayout(db: Reader, id: string): Promise<PayoutView | undefined> {
  const { rows } = await db.query<PayoutRow & { next_line: number }>({
    name: 'find-payout',
    text: FIND,
    values: [id],
  });
  return rows[0] && { payout: toPayout(rows[0]), nextLine: rows[0].next_line };
}

/** The payouts with these ids, by id; missing ones are left out. */
export async function findPayouts(db: Reader, ids: readonly string[]): Promise<Map<string, Payout>> {
  const values = [ids];
  const { rows } = await db.query<PayoutRow>({ name: 'find-payouts', text: FIND_ALL, values });
  return new Map(rows.map((row) => [row.id, toPayout(row)]));
}

/** The lines of a payout in a range, both ends included. */
export async function linesBetween(
  db: Reader,
  payoutId: string,
  first: number,
  last: number,
): Promise<PayoutLine[]> {
  const values = [payoutId, first, last];
  return (await db.query<LineRow>({ name: 'lines-between', text: BETWEEN, values })).rows.map(toLine);
}

/** The first `count` lines after one that are not paid for a reason. */
export async function failedLines(
  db: Reader,
  payoutId: string,
  afterLine: number,
  count: number,
): Promise<PayoutLine[]> {
  const values = [payoutId, afterLine, count];
  return (await db.query<LineRow>({ name: 'failed-lines', text: FAILED, values })).rows.map(toLine);
}
