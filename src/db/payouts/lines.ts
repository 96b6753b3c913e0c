// Reads lines of payouts.
import type { Payout, PayoutLine } from '../../domain/payout.ts';
import type { Reader } from '../pool.ts';
import { LINE_COLUMNS, type LineRow, PAYOUT_COLUMNS, type PayoutRow, toLine, toPayout } from './rows.ts';

const BETWEEN = `
  SELECT ${LINE_COLUMNS} FROM payout_lines l WHERE l.payout_id = $1 AND l.line BETWEEN $2 AND $3 ORDER BY l.line`;

/** Of a draft also those that stand to fail: they were judged when they were added. */
const FAILED = `
  SELECT ${LINE_COLUMNS} FROM payout_lines l
  WHERE l.payout_id = $1 AND l.line > $2 AND l.reason IS NOT NULL ORDER BY l.line LIMIT $3`;

const FIND = `SELECT ${PAYOUT_COLUMNS}, p.next_line FROM payouts p WHERE p.id = $1`;

/** A payout with how far its lines are settled. */
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

/** Those of the payouts that there are, by their ids. */
export async function findPayouts(db: Reader, ids: readonly string[]): Promise<Map<string, Payout>> {
  const values = [ids];
  const { rows } = await db.query<PayoutRow>({ name: 'find-payouts', text: FIND_ALL, values });
  return new Map(rows.map((row) => [row.id, toPayout(row)]));
}

/** The lines of a payout from one number to another. */
export async function linesBetween(
  db: Reader,
  payoutId: string,
  first: number,
  last: number,
): Promise<PayoutLine[]> {
  const values = [payoutId, first, last];
  return (await db.query<LineRow>({ name: 'lines-between', text: BETWEEN, values })).rows.map(toLine);
}

/** The first so many lines behind one that are not paid for a reason. */
export async function failedLines(
  db: Reader,
  payoutId: string,
  afterLine: number,
  count: number,
): Promise<PayoutLine[]> {
  const values = [payoutId, afterLine, count];
  return (await db.query<LineRow>({ name: 'failed-lines', text: FAILED, values })).rows.map(toLine);
}
