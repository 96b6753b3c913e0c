// Connections to Postgres that speak SQL directly: for money, where every statement is ours.
import pg from 'pg';
import { Connection, connectionConfig } from './connection.ts';
import { ANY_NODE, createNodeGuard, type NodeGuard } from './node-guard.ts';
import { ANSWER_LATE_MS, CONNECT_TIMEOUT_MS, LOCK_WAIT_MS } from './timeouts.ts';
import { createUnfinishedCommits } from './unfinished-commits.ts';
import { isUnanswered } from './unreachable.ts';

export type { Pool } from 'pg';
export { inOneWrite } from './connection.ts';
export {
  isReadOnly,
  isUnreachable,
  LOCK_NOT_AVAILABLE,
  PostgresAwayError,
  QUERY_CANCELED,
  sqlState,
} from './unreachable.ts';

/** What a read needs that may go to any server: a pool is one, and so is a single connection. */
export interface Reader {
  query<Row extends pg.QueryResultRow>(statement: {
    readonly name: string;
    readonly text: string;
    readonly values: unknown[];
  }): Promise<pg.QueryResult<Row>>;
}

/** A pool, or one of its connections, which is sent all statements at once: many need the time of the slowest, not the sum. */
export type Queries = Pick<pg.Pool, 'query'>;

/** Runs a read on the replica or else on the primary. It must do nothing but read: it may run twice. */
export type ReadFromReplica = <T>(read: (db: Reader) => Promise<T>) => Promise<T>;

/** How to reach the database. */
export interface PoolOptions {
  readonly url: string;
  readonly maxConnections: number;
  /** A statement that runs longer is ended by Postgres. */
  readonly statementTimeoutMs: number;
  /**
   * After how many milliseconds connecting, or waiting for a response, is given up. By default 5 s for connecting, and for a
   * response one second after Postgres has ended the statement.
   */
  readonly giveUpMs?: number;
  /** Shared by all pools on a cluster, so that each learns of a failover; a guard of the pool's own unless given. */
  readonly guard?: NodeGuard;
  /** Settings of Postgres for each session, besides those that every pool has. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** Called for errors on connections that nobody is using, for example when Postgres goes away. */
  readonly onIdleError: (error: Error) => void;
}

/**
 * For connections that run the same few statements over and over. A statement is planned once a connection: planning a page of
 * history costs seven times as much as reading it, and planning a small batch more than running it. Postgres itself would
 * plan them at each call, because it takes a plan for any values to be dearer. Since that one plan may be made while a table
 * is nearly empty, nothing but an index is left to it: no call has a reason to read a whole table.
 *
 * That is not enough where an array is joined with a table: a plan made for a few rows goes through a whole index, once for the
 * batch, instead of asking it for each element. So each element's row is found by a subquery of its own that OFFSET 0 keeps
 * apart (`LATERAL (… OFFSET 0)`), and an UPDATE then goes by the ctid of what was found: its row is locked before and stays
 * where it is. test/ledger/plans.test.ts looks at the plan of every statement.
 */
export const FIXED_PLANS = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
} as const;

/**
 * For connections that read. A page of a history comes in the order of an index and ends; a plan for any wallet might sort all
 * transfers of a large one instead.
 */
export const READ_SETTINGS = { ...FIXED_PLANS, enable_sort: 'off' } as const;

/** For the ledger's connections. */
export const LEDGER_SETTINGS = {
  ...FIXED_PLANS,
  // A row that somebody else has locked must not hold up the calls that do not need it.
  lock_timeout: String(LOCK_WAIT_MS),
} as const;

/**
 * Opens a pool. Statements on one connection are pipelined: sent without waiting for the answer to the one before. A connection
 * stays open while nothing is asked: to open another one and to plan its statements takes four times as long as a payment does.
 */
export function createPool(options: PoolOptions): pg.Pool {
  const { url, guard = createNodeGuard(), statementTimeoutMs, giveUpMs, settings } = options;
  const config = connectionConfig({
    ...{ url, guard, statementTimeoutMs, settings },
    // Nothing is committed on a standby.
    ...(guard !== ANY_NODE && { commits: createUnfinishedCommits() }),
    connectWithinMs: giveUpMs ?? CONNECT_TIMEOUT_MS,
    answerWithinMs: giveUpMs ?? statementTimeoutMs + ANSWER_LATE_MS,
  });
  const sizes = { max: options.maxConnections, idleTimeoutMillis: 0 };
  const pool = new pg.Pool({ ...config, ...sizes, Client: Connection } as pg.PoolConfig);
  pool.on('error', options.onIdleError);
  closeSilentTogether(pool);
  return pool;
}

/** Closes the idle connections when one in use turns out to be dead: what cut it off has probably cut off all of them. */
function closeSilentTogether(pool: pg.Pool): void {
  const idle = new Set<pg.PoolClient>();
  pool.on('acquire', (client) => idle.delete(client));
  pool.on('remove', (client) => idle.delete(client));
  pool.on('release', (error, client) => {
    if (!error) idle.add(client);
    else if (isUnanswered(error))
      for (const one of idle) (one as unknown as Connection).destroy('another connection got no answer');
  });
}
