// Checkpoints: the signed notes that say what the log was at a size.
import type { Reader } from '../pool.ts';

/** The checkpoint of the largest size. */
export interface LastCheckpoint {
  readonly size: number;
  readonly note: string;
  /** For how long it has been there, in milliseconds. */
  readonly ageMs: number;
}

const LAST = `
  SELECT size, note, 1000 * extract(epoch FROM clock_timestamp() - created_at)::float8 AS "ageMs"
  FROM transparency_checkpoints ORDER BY size DESC LIMIT 1`;
/** The first segment of the feed (migration 0151) whose transfers no checkpoint has. */
const LAG = `
  SELECT extract(epoch FROM clock_timestamp() - sealed_at)::float8 AS seconds FROM feed_segments
  WHERE next_leaf > (SELECT coalesce(max(size), 0) FROM transparency_checkpoints) ORDER BY next_leaf LIMIT 1`;
const LIST = 'SELECT note FROM transparency_checkpoints WHERE size > $1 AND size <= $2 ORDER BY size';
const ADD = 'INSERT INTO transparency_checkpoints (size, note) VALUES ($1, $2)';

/** Undefined where nothing was signed yet. */
export async function lastCheckpoint(db: Reader): Promise<LastCheckpoint | undefined> {
  type Row = { size: string; note: string; ageMs: number };
  const { rows } = await db.query<Row>({ name: 'last-checkpoint', text: LAST, values: [] });
  return rows[0] && { ...rows[0], size: Number(rows[0].size) };
}

/** The notes of more than `above` leaves and at most `upTo`, in order. */
export async function listCheckpoints(db: Reader, above: number, upTo: number): Promise<string[]> {
  const statement = { name: 'list-checkpoints', text: LIST, values: [above, upTo] };
  return (await db.query<{ note: string }>(statement)).rows.map(({ note }) => note);
}

/** For how long the sealed transfer that waits longest has been in no checkpoint, in seconds; 0 where none waits. */
export async function checkpointLagSeconds(db: Reader): Promise<number> {
  const { rows } = await db.query<{ seconds: number }>({ name: 'checkpoint-lag', text: LAG, values: [] });
  return rows[0]?.seconds ?? 0;
}

/** Stores the checkpoint of a size that has none yet. */
export async function addCheckpoint(client: Reader, size: number, note: string): Promise<void> {
  await client.query({ name: 'add-checkpoint', text: ADD, values: [size, note] });
}
