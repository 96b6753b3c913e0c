// The total progress of all running payouts.
import type { Reader } from '../pool.ts';

/** The payouts that are started and have not ended; zeros if there are none. */
export interface RunningPayouts {
  readonly count: number;
  /** Their lines that are neither paid nor failed. */
  readonly linesLeft: number;
  /** How long ago the oldest of them was started, in seconds. */
  readonly oldestSeconds: number;
  /** The longest time for which one of them has paid no line, in seconds. */
  readonly stalledSeconds: number;
}

/** A pot changes with every chunk of lines that is paid from it. */
const RUNNING = `
  SELECT count(*)::integer AS count, coalesce(sum(p.line_count - p.next_line + 1), 0)::float8 AS lines,
    coalesce(extract(epoch FROM now() - min(p.started_at)), 0)::float8 AS oldest,
    coalesce(extract(epoch FROM now() - min(pot.updated_at)), 0)::float8 AS stalled
  FROM payouts p JOIN accounts pot ON pot.id = p.pot_account_id WHERE p.state = 'running'`;

/** Reads all of them in one statement. */
export async function runningPayouts(db: Reader): Promise<RunningPayouts> {
  type Row = { count: number; lines: number; oldest: number; stalled: number };
  const { rows } = await db.query<Row>({ name: 'running-payouts', text: RUNNING, values: [] });
  const { count = 0, lines = 0, oldest = 0, stalled = 0 } = rows[0] ?? {};
  return {
    count,
    linesLeft: lines,
    oldestSeconds: Math.max(0, oldest),
    stalledSeconds: Math.max(0, stalled),
  };
}
