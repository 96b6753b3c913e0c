// Sprinkles whose time is over and whose pots are not paid back yet.
import type { Pool } from 'pg';
import type { Sprinkle } from '../../domain/sprinkle.ts';
import { SPRINKLE_COLUMNS, type SprinkleRow, toSprinkle } from '../rows.ts';
import { PATIENT_IDLE_IN_TRANSACTION_MS } from '../timeouts.ts';
import { inTransaction } from './transaction.ts';

/** Into how many shards the index sprinkles_open divides sprinkles (migration 0010). */
const SHARDS = 8;
/** The first number of our advisory locks; no other program may use it in this database. */
const LOCK_CLASS = 5_077_822;

const IS_OPEN = 's.closed_at IS NULL AND s.set_aside_at IS NULL';
const SHARD = '(get_byte(uuid_send(s.id), 15) & 7)';

const SHARDS_WITH_DUE = `
  SELECT shard FROM generate_series(0, ${SHARDS - 1}) AS shard
  WHERE EXISTS (SELECT FROM sprinkles s WHERE ${SHARD} = shard AND s.expires_at <= clock_timestamp() AND ${IS_OPEN})`;

const TRY_LOCK = 'SELECT pg_try_advisory_xact_lock($1, $2) AS is_mine';

const DUE = `
  SELECT ${SPRINKLE_COLUMNS} FROM sprinkles s
  WHERE ${SHARD} = $1 AND s.expires_at <= clock_timestamp() AND ${IS_OPEN}
  ORDER BY s.expires_at, s.id LIMIT $2`;

const SET_ASIDE = `
  WITH aside AS (UPDATE sprinkles SET set_aside_at = clock_timestamp() WHERE id = $1 AND set_aside_at IS NULL RETURNING id)
  INSERT INTO outbox (job, data, run_at)
  SELECT 'refund-sprinkle', json_build_object('sprinkleId', id), clock_timestamp() FROM aside`;

const FIND = `SELECT ${SPRINKLE_COLUMNS} FROM sprinkles s WHERE s.id = $1`;

/** The shards in which something is due. */
export async function shardsWithDue(pool: Pool): Promise<number[]> {
  const { rows } = await pool.query<{ shard: number }>({ name: 'shards-with-due', text: SHARDS_WITH_DUE });
  return rows.map(({ shard }) => shard);
}

/**
 * Passes the sprinkles of a shard that have been due longest to `work`. Only one worker has a shard at a time, which saves
 * work but guards nothing: Postgres ends the idle transaction of a worker that hangs, and two may then refund the same
 * sprinkle, which still happens once. Returns how many there were; undefined when another worker has the shard.
 */
export function withDue(
  pool: Pool,
  shard: number,
  limit: number,
  work: (due: readonly Sprinkle[]) => Promise<void>,
): Promise<number | undefined> {
  return inTransaction(pool, async (client) => {
    await client.query(`SET LOCAL idle_in_transaction_session_timeout = ${PATIENT_IDLE_IN_TRANSACTION_MS}`);
    const lock = await client.query<{ is_mine: boolean }>(TRY_LOCK, [LOCK_CLASS, shard]);
    if (!lock.rows[0]?.is_mine) return undefined;
    const { rows } = await client.query<SprinkleRow>({
      name: 'due-sprinkles',
      text: DUE,
      values: [shard, limit],
    });
    if (rows.length > 0) await work(rows.map(toSprinkle));
    return rows.length;
  });
}

/** Gives a sprinkle whose refund failed a job of its own, so that it does not block others. */
export async function setAside(pool: Pool, sprinkleId: string): Promise<void> {
  await pool.query({ name: 'set-aside', text: SET_ASIDE, values: [sprinkleId] });
}

/** A sprinkle by its id alone. */
export async function findSprinkleById(pool: Pool, id: string): Promise<Sprinkle | undefined> {
  const { rows } = await pool.query<SprinkleRow>({ name: 'find-any-sprinkle', text: FIND, values: [id] });
  return rows[0] && toSprinkle(rows[0]);
}
