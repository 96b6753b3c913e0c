// Positions in the write-ahead log: how far the primary has come, and whether a replica has replayed all of that.
import { setTimeout as sleep } from 'node:timers/promises';
import { InvariantError } from '../../domain/error-fields.ts';
import type { Reader } from '../pool.ts';
import { microsOf } from '../sql.ts';

/** How far the primary had come at a moment. Everything that was committed before that moment lies below it. */
export interface Position {
  /** The log sequence number as Postgres writes it, such as `0/1A2B3C4`. */
  readonly lsn: string;
  /** Which run of Postgres it is a position of. */
  readonly run: string;
}

/** The replica has not caught up in time, or it follows another primary. */
export class BehindError extends Error {}

const RUN = microsOf('pg_postmaster_start_time()');

/** A commit is answered once it is on disk, so everything that was answered lies below the flushed position. */
const POSITION = `
  SELECT pg_current_wal_flush_lsn()::text AS lsn, ${RUN}::text AS run,
    started_at = pg_postmaster_start_time() AS is_noted FROM primary_run`;

const NOTE = `
  UPDATE primary_run SET started_at = pg_postmaster_start_time() WHERE started_at <> pg_postmaster_start_time()`;

/** A server that was promoted keeps its last replayed position, and never has what came after. */
const HAS_REPLAYED = `
  SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= $1::pg_lsn
    AND EXISTS (SELECT FROM primary_run WHERE ${microsOf('started_at')} = $2::bigint) AS has_replayed`;

const POLL_MS = 2;

/** How far the primary has come at some moment after the call. Throws what Postgres does. */
export async function positionOf(primary: Reader): Promise<Position> {
  const ask = async () => {
    const { rows } = await primary.query<Position & { is_noted: boolean }>({
      name: 'primary-position',
      text: POSITION,
      values: [],
    });
    if (!rows[0]) throw new InvariantError('the row of primary_run is gone');
    return rows[0];
  };
  const position = await ask();
  if (position.is_noted) return position;
  await primary.query({ name: 'note-primary-run', text: NOTE, values: [] });
  return ask();
}

/** Waits until a replica has replayed everything below a position. Throws a BehindError when it takes longer than that. */
export async function waitUntilReplayed(
  replica: Reader,
  { lsn, run }: Position,
  withinMs: number,
): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const { rows } = await replica.query<{ has_replayed: boolean | null }>({
      name: 'replica-has',
      text: HAS_REPLAYED,
      values: [lsn, run],
    });
    if (rows[0]?.has_replayed) return;
    if (performance.now() >= giveUpAt)
      throw new BehindError(`the replica does not have what the primary had ${withinMs} ms ago`);
    await sleep(POLL_MS);
  }
}
