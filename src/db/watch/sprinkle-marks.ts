// Reads what tells whether watched sprinkles have changed, without their claims.
import type { Pool } from '../pool.ts';
import { plainArray } from '../sql.ts';
import { SETTLED_AFTER_MS } from '../timeouts.ts';

/** What changes of a sprinkle. */
export interface SprinkleMark {
  readonly claimedCount: number;
  /** Whether nothing of it changes any more. Claims that were made in time may be committed after its end. */
  readonly isFinal: boolean;
}

const MARKS = `
  SELECT s.id, s.claimed_count, s.closed_at IS NOT NULL OR s.claimed_count = cardinality(s.shares)
    OR s.expires_at <= clock_timestamp() - $2 * interval '1 millisecond' AS is_final
  FROM sprinkles s WHERE s.id = ANY ($1::uuid[])`;

/** The marks of sprinkles, by their ids. */
export async function findSprinkleMarks(
  primary: Pool,
  ids: readonly string[],
): Promise<ReadonlyMap<string, SprinkleMark>> {
  type Row = { id: string; claimed_count: number; is_final: boolean };
  const values = [plainArray(ids), SETTLED_AFTER_MS];
  const { rows } = await primary.query<Row>({ name: 'sprinkle-marks', text: MARKS, values });
  return new Map(rows.map((row) => [row.id, { claimedCount: row.claimed_count, isFinal: row.is_final }]));
}
