// What is over and not paid back yet: sprinkles and holds whose time has come, and whose pots still have money.
import type { Pool } from 'pg';
import type { JobName } from '../../domain/jobs.ts';
import type { Reader } from '../pool.ts';
import {
  HOLD_COLUMNS,
  type HoldRow,
  SPRINKLE_COLUMNS,
  type SprinkleRow,
  toHold,
  toSprinkle,
} from '../rows.ts';
import { PATIENT_IDLE_IN_TRANSACTION_MS } from '../timeouts.ts';
import { inTransaction } from '../transaction.ts';

/** Into how many shards the indexes sprinkles_open and holds_open divide their tables (migrations 0010 and 0081). */
const SHARDS = 8;

const TRY_LOCK = 'SELECT pg_try_advisory_xact_lock($1, $2) AS is_mine';

/** A table of what is paid back at its time. */
interface DueTable<Row, Item> {
  readonly table: 'sprinkles' | 'holds';
  /** The alias of the table in `columns`. */
  readonly alias: string;
  readonly columns: string;
  readonly toItem: (row: Row) => Item;
  /** The job of one item that was set aside, and the name of the item's id in its data. */
  readonly job: JobName;
  readonly idName: string;
  /** The first number of its advisory locks; no other program may use it in this database. */
  readonly lockClass: number;
}

/** Reads one such table. */
export interface DueItems<Item> {
  /** The name of an item's id in the data of its own job. */
  readonly idName: string;
  /** The shards in which something is due. */
  shardsWithDue(pool: Pool): Promise<number[]>;
  /**
   * Passes the items of a shard that have been due longest to `work`. Only one worker has a shard at a time, which saves
   * work but guards nothing: Postgres ends the idle transaction of a worker that hangs, and two may then pay back the same
   * item, which still happens once. Returns how many there were; undefined when another worker has the shard.
   */
  withDue(
    pool: Pool,
    shard: number,
    limit: number,
    work: (due: readonly Item[]) => Promise<void>,
  ): Promise<number | undefined>;
  /** Gives an item whose refund failed a job of its own, so that it does not block others. */
  setAside(pool: Pool, id: string): Promise<void>;
  /** An item by its id alone. */
  find(pool: Pool, id: string): Promise<Item | undefined>;
  /** For how long the item that waits longest for its refund has been over, in seconds; 0 if none waits. */
  overdueSeconds(db: Reader): Promise<number>;
}

/** Sprinkles whose time is over. */
export const DUE_SPRINKLES = dueItems({
  table: 'sprinkles',
  alias: 's',
  columns: SPRINKLE_COLUMNS,
  toItem: (row: SprinkleRow) => toSprinkle(row),
  job: 'refund-sprinkle',
  idName: 'sprinkleId',
  lockClass: 5_077_822,
});

/** Holds whose time is over. */
export const DUE_HOLDS = dueItems({
  table: 'holds',
  alias: 'h',
  columns: HOLD_COLUMNS,
  toItem: (row: HoldRow) => toHold(row),
  job: 'expire-hold',
  idName: 'holdId',
  lockClass: 5_077_823,
});

/** For how long the sprinkle and the hold that wait longest for their refunds have been over, in seconds; 0 if none waits. */
export async function refundOverdueSeconds(db: Reader): Promise<{ sprinkle: number; hold: number }> {
  return { sprinkle: await DUE_SPRINKLES.overdueSeconds(db), hold: await DUE_HOLDS.overdueSeconds(db) };
}

function dueItems<Row extends object, Item>(kind: DueTable<Row, Item>): DueItems<Item> {
  const { table, alias, columns, toItem, job, idName, lockClass } = kind;
  const sql = statementsOf({ table, alias, columns, job, idName });
  return {
    idName,

    async shardsWithDue(pool) {
      const statement = { name: `shards-with-due-${table}`, text: sql.shardsWithDue };
      const { rows } = await pool.query<{ shard: number }>(statement);
      return rows.map(({ shard }) => shard);
    },

    withDue: (pool, shard, limit, work) =>
      inTransaction(pool, async (client) => {
        await client.query(
          `SET LOCAL idle_in_transaction_session_timeout = ${PATIENT_IDLE_IN_TRANSACTION_MS}`,
        );
        const lock = await client.query<{ is_mine: boolean }>(TRY_LOCK, [lockClass, shard]);
        if (!lock.rows[0]?.is_mine) return undefined;
        const statement = { name: `due-${table}`, text: sql.due, values: [shard, limit] };
        const { rows } = await client.query<Row>(statement);
        if (rows.length > 0) await work(rows.map(toItem));
        return rows.length;
      }),

    async setAside(pool, id) {
      await pool.query({ name: `set-aside-${table}`, text: sql.setAside, values: [id] });
    },

    async find(pool, id) {
      const statement = { name: `find-any-${table}`, text: sql.find, values: [id] };
      const { rows } = await pool.query<Row>(statement);
      return rows[0] && toItem(rows[0]);
    },

    async overdueSeconds(db) {
      const statement = { name: `overdue-${table}`, text: sql.overdue, values: [] };
      return Math.max(0, (await db.query<{ seconds: number }>(statement)).rows[0]?.seconds ?? 0);
    },
  };
}

function statementsOf(kind: Omit<DueTable<never, never>, 'toItem' | 'lockClass'>) {
  const { table, alias: a, columns, job, idName } = kind;
  const isOpen = `${a}.closed_at IS NULL AND ${a}.set_aside_at IS NULL`;
  const shardOf = `(get_byte(uuid_send(${a}.id), 15) & 7)`;
  return {
    // The moment of the statement bounds the scan of the index; clock_timestamp() is another one for each row and cannot.
    shardsWithDue: `
      SELECT shard FROM generate_series(0, ${SHARDS - 1}) AS shard WHERE EXISTS (
        SELECT FROM ${table} ${a} WHERE ${shardOf} = shard AND ${a}.expires_at <= statement_timestamp() AND ${isOpen})`,
    due: `
      SELECT ${columns} FROM ${table} ${a}
      WHERE ${shardOf} = $1 AND ${a}.expires_at <= statement_timestamp() AND ${isOpen}
      ORDER BY ${a}.expires_at, ${a}.id LIMIT $2`,
    setAside: `
      WITH aside AS (
        UPDATE ${table} SET set_aside_at = clock_timestamp()
        WHERE id = $1 AND closed_at IS NULL AND set_aside_at IS NULL RETURNING id)
      INSERT INTO outbox (job, data, run_at)
      SELECT '${job}', json_build_object('${idName}', id), clock_timestamp() FROM aside`,
    find: `SELECT ${columns} FROM ${table} ${a} WHERE ${a}.id = $1`,
    // The first of each shard, by the index; items that were set aside are jobs of their own.
    overdue: `
      SELECT coalesce(extract(epoch FROM clock_timestamp() - min(first.expires_at)), 0)::float8 AS seconds
      FROM generate_series(0, ${SHARDS - 1}) AS shard, LATERAL (
        SELECT ${a}.expires_at FROM ${table} ${a} WHERE ${shardOf} = shard AND ${isOpen}
        ORDER BY ${a}.expires_at, ${a}.id LIMIT 1) AS first`,
  };
}
