// Connections to Postgres that speak SQL directly: for money, where every statement is ours.
import pg from 'pg';
import {
  ANSWER_LATE_MS,
  CONNECT_TIMEOUT_MS,
  IDLE_IN_TRANSACTION_MS,
  KEEPALIVE_DELAY_MS,
  LOCK_WAIT_MS,
} from './timeouts.ts';

export type { Pool } from 'pg';
export { isUnreachable, PostgresAwayError, sqlState } from './unreachable.ts';

/** What a read needs that may go to any server: a pool is one, and so is a single connection. */
export interface Reader {
  query<Row extends pg.QueryResultRow>(statement: {
    readonly name: string;
    readonly text: string;
    readonly values: unknown[];
  }): Promise<pg.QueryResult<Row>>;
}

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
  /** Settings of Postgres for each session, besides those that every pool has. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** Told of errors on connections that nobody is using, for example when Postgres goes away. */
  readonly onIdleError: (error: Error) => void;
}

/**
 * For connections that run the ledger's few statements over and over. A statement is planned once a connection, because
 * planning costs more than a small batch itself; and since that plan may be made while a table is nearly empty, nothing
 * but an index is left to it: a batch never has a reason to read a whole table.
 */
export const LEDGER_SETTINGS = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  // A row that somebody else has locked must not hold up the calls that do not need it.
  lock_timeout: String(LOCK_WAIT_MS),
} as const;

/**
 * What our statements mean must not depend on how a database or a login is set up: where days begin, how moments and spans
 * are written, where names are searched, and what a transaction sees.
 */
const SESSION_SETTINGS = {
  TimeZone: 'UTC',
  DateStyle: 'ISO',
  IntervalStyle: 'postgres',
  search_path: 'public',
  default_transaction_isolation: 'read committed',
} as const;

/** The settings of a session for libpq's `options`, which come before those of the database and the login. */
export function startupOptions(settings: Readonly<Record<string, string>> = {}): string {
  return Object.entries({ ...SESSION_SETTINGS, ...settings })
    .map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
    .join(' ');
}

/** Opens a pool. Statements on one connection are pipelined: sent without waiting for the answer to the one before. */
export function createPool(options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.maxConnections,
    pipeline: true,
    application_name: 'ppuri',
    connectionTimeoutMillis: options.giveUpMs ?? CONNECT_TIMEOUT_MS,
    // With pipelining the driver closes the connection then: it cannot be used any more, whatever arrives over it.
    query_timeout: options.giveUpMs ?? options.statementTimeoutMs + ANSWER_LATE_MS,
    statement_timeout: options.statementTimeoutMs,
    // A server that hangs in the middle of a transaction must not hold its locks for good.
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_DELAY_MS,
    options: startupOptions(options.settings),
  } as pg.PoolConfig);
  pool.on('error', options.onIdleError);
  // A connection may also be lost while somebody holds it and waits for something else. Their next statement fails then;
  // without a listener the whole process would.
  pool.on('connect', (client) => client.on('error', () => {}));
  closeSilentTogether(pool);
  return pool;
}

/** What the driver says of an answer that did not come in time. */
const NO_ANSWER = /Query read timeout/;

/** Closes the idle connections when one in use turns out to be dead: what cut it off has probably cut off all of them. */
function closeSilentTogether(pool: pg.Pool): void {
  type Inner = pg.PoolClient & { readonly connection: { readonly stream: { destroy(): void } } };
  const idle = new Set<pg.PoolClient>();
  pool.on('acquire', (client) => idle.delete(client));
  pool.on('remove', (client) => idle.delete(client));
  pool.on('release', (error, client) => {
    if (!error) idle.add(client);
    else if (NO_ANSWER.test(error.message))
      for (const one of idle) (one as Inner).connection.stream.destroy();
  });
}
